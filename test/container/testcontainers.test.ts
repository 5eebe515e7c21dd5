/** The image as Testcontainers runs it, on the Docker engine that scripts/container.sh has started. */
import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { RunnerMockContainer, type RunnerMockContainerOptions } from "../../src/testcontainers.ts";
import { certificate } from "../support/certificates.ts";

async function start(options: RunnerMockContainerOptions = {}) {
  const mock = await new RunnerMockContainer().withOptions(options).start();
  onTestFinished(async () => {
    await mock.stop();
  });
  return mock;
}

async function call(
  url: string,
  rpc: string,
  request: object,
  bearer?: string,
): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}/gitpod.v1.RunnerService/${rpc}`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
    },
    body: JSON.stringify(request),
  });
  return { status: response.status, ...((await response.json()) as object) };
}

const linux = { name: "Contained", provider: "RUNNER_PROVIDER_LINUX_HOST" };
const seconds = (count: number) => ({ by: { seconds: BigInt(count) } });

test("a container serves the API and obeys its control client", async () => {
  const mock = await start();
  expect(await call(mock.url, "CreateRunner", linux)).toMatchObject({ runner: { name: "Contained" } });
  await mock.control.advanceClock(seconds(29));
  expect(await call(mock.url, "ListRunners", {})).toMatchObject({ runners: [{ name: "Contained" }] });
  await mock.control.advanceClock(seconds(1));
  expect(await call(mock.url, "ListRunners", {})).not.toHaveProperty("runners");
  const { calls } = await mock.control.listCalls({ filter: { rpc: "CreateRunner" } });
  expect(calls).toHaveLength(1);
});

test("a profile decides as it does everywhere", async () => {
  const unknown = { ...linux, colour: "blue" };
  expect((await call((await start()).url, "CreateRunner", unknown)).status).toBe(400);
  const observed = await new RunnerMockContainer().withProfile("observed").start();
  onTestFinished(async () => {
    await observed.stop();
  });
  expect((await call(observed.url, "CreateRunner", unknown)).status).toBe(200);
});

test("options come into the container as they are written in process, documents and paths too", async () => {
  const folder = await mkdtemp(join(tmpdir(), "container-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const identities = join(folder, "identities.yaml");
  await writeFile(
    identities,
    "identities:\n  - { name: ci, token: ci-token, principal: PRINCIPAL_SERVICE_ACCOUNT }\n",
  );
  const mock = await start({
    auth: "required",
    token: { alice: "alice-token", bob: "bob-token" },
    controlToken: "control token",
    lease: 5_000,
    identities,
    state: { runners: [{ name: "From the state" }] },
  });
  expect(await call(mock.url, "ListRunners", {})).toMatchObject({ code: "unauthenticated" });
  for (const token of ["alice-token", "bob-token", "ci-token"]) {
    expect(await call(mock.url, "ListRunners", {}, token)).toMatchObject({
      runners: [{ name: "From the state" }],
    });
  }
  expect((await call(mock.url, "CreateRunner", linux, "alice-token")).status).toBe(200);
  await mock.control.advanceClock(seconds(5));
  expect(await call(mock.url, "ListRunners", {}, "alice-token")).not.toHaveProperty("runners");
});

test("worlds have an address each", async () => {
  const mock = await start();
  await call(mock.worldUrl("one"), "CreateRunner", linux);
  expect(await call(mock.worldUrl("one"), "ListRunners", {})).toHaveProperty("runners");
  expect(await call(mock.worldUrl("two"), "ListRunners", {})).not.toHaveProperty("runners");
});

test("TLS comes with a key that only its owner may read, and the control client speaks it", async () => {
  const { cert, key } = await certificate();
  const folder = await mkdtemp(join(tmpdir(), "container-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const tlsKey = join(folder, "key.pem");
  await writeFile(tlsKey, key);
  await chmod(tlsKey, 0o600);
  const mock = await start({ tlsCert: cert, tlsKey });
  expect(mock.url).toMatch(/^https:/);
  const ready = await new Promise((resolve, reject) =>
    // Its certificate is for localhost, and the engine's address another one.
    get(`${mock.url}/readyz`, { ca: cert, servername: "localhost" }, (response) =>
      resolve(json(response)),
    ).on("error", reject),
  );
  expect(ready).toEqual({ status: "ok" });
  expect((await mock.control.getClock({})).clock).toBeDefined();
});

test("after a restart the addresses are those of its new ports", async () => {
  const mock = await start();
  await mock.restart();
  expect((await call(mock.url, "CreateRunner", linux)).status).toBe(200);
  expect((await mock.control.listCalls({})).calls).toHaveLength(1);
});

test("examples/testcontainers.mjs runs against the built package", async () => {
  const example = fileURLToPath(new URL("../../examples/testcontainers.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [example]);
  expect(stdout).toBe("Contained Runner: 1 call, in two addresses\n");
});
