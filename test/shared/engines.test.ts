/** The ways in which an engine is reached: over TLS, as a user of its own, as a cluster. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { describe, expect, onTestFinished } from "vitest";
import { certificate } from "../support/certificates.ts";
import { test as commandLineTest } from "../support/command-line.ts";
import { failureOf } from "../support/mock.ts";
import { RedisServer, redisProgram } from "../support/redis-server.ts";
import { openShared, storeKey, test } from "../support/replicas.ts";

const aws = { name: "My Runner", provider: 1 };

commandLineTest.skipIf(redisProgram === undefined)(
  "a store can be reached over TLS, with an authority that Node is told of",
  { timeout: 60_000 },
  async ({ commandLine }) => {
    const { cert, key } = await certificate();
    const folder = mkdtempSync(join(tmpdir(), "runner-mock-tls-"));
    const [certFile, keyFile] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key);
    const files = ["--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-auth-clients", "no"];
    const server = await RedisServer.start((port) => ["--port", "0", "--tls-port", port, ...files]);
    onTestFinished(async () => {
      await server.close();
      rmSync(folder, { recursive: true });
    });
    const store = server.url.replace("redis://", "rediss://");
    const args = ["--store", store, "--store-key", storeKey, "--control-port", "0"];
    const { url } = await commandLine.serve(args, { NODE_EXTRA_CA_CERTS: certFile });
    const response = await fetch(`${url}/gitpod.v1.RunnerService/ListRunners`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    expect(await response.json()).toEqual({ pagination: {} });
    const { code, stderr } = await commandLine.run(args);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^error: the store at rediss:.* cannot be used: /),
    ]);
  },
);

describe.skipIf(redisProgram === undefined)("a store can be", () => {
  test("reached as a user who may do what the mock does", async ({ shared }) => {
    const admin = createClient({ url: shared.server.url });
    await admin.connect();
    const rights = ["~runner-mock:*", "&runner-mock:*", "+@all", "-@dangerous", "+info", "-@admin"];
    await admin.sendCommand(["ACL", "SETUSER", "mock", "on", ">secret", ...rights]);
    admin.destroy();
    const store = shared.server.url.replace("redis://", "redis://mock:secret@");
    const [one, two] = await shared.replicas(2, { store });
    const { runner } = (await one?.runner.createRunner(aws)) ?? {};
    expect((await two?.runner.listRunners({}))?.runners).toMatchObject([{ runnerId: runner?.runnerId }]);
    const wrong = store.replace("secret", "another secret");
    await expect(shared.replica({ store: wrong })).rejects.toThrow(
      /^the store at redis:\/\/127\.0\.0\.1:\d+ cannot/,
    );
  });

  test("one database of several", async ({ shared }) => {
    const one = await shared.replica({ store: `${shared.server.url}/1` });
    const other = await shared.replica({ store: `${shared.server.url}/2` });
    await one.runner.createRunner(aws);
    expect((await other.runner.listRunners({})).runners).toEqual([]);
  });

  test("a cluster", async () => {
    const shared = await openShared(["--cluster-enabled", "yes"]);
    onTestFinished(() => shared.close());
    const admin = createClient({ url: shared.server.url });
    await admin.connect();
    await admin.sendCommand(["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    await expect
      .poll(() => admin.sendCommand(["CLUSTER", "INFO"]), { timeout: 15_000 })
      .toContain("cluster_state:ok");
    admin.destroy();
    const [one, two] = await shared.replicas(2);
    const { runner, exchangeToken = "" } = (await one?.runner.createRunner(aws)) ?? {};
    expect((await two?.runner.listRunners({}))?.runners).toMatchObject([{ runnerId: runner?.runnerId }]);
    expect(await failureOf(two?.identity.exchangeToken({ exchangeToken }) ?? Promise.resolve())).toBe("ok");
    await one?.clock.advance("31s");
    expect((await two?.runner.listRunners({}))?.runners).toEqual([]);
    await one?.reset();
  });
});
