/** An engine that is away, or not what it has to be, and what is written into it. */

import { createClient as createRpcClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { createClient, type RedisClientType } from "@redis/client";
import { describe, expect } from "vitest";
import { EventService } from "../../src/gen/gitpod/v1/event_pb.ts";
import {
  Health,
  HealthCheckResponse_ServingStatus as Status,
} from "../../src/gen/grpc/health/v1/health_pb.ts";
import { failureOf } from "../support/mock.ts";
import { redisProgram } from "../support/redis-server.ts";
import { storeKey, test } from "../support/replicas.ts";

const aws = { name: "My Runner", provider: 1 };
const unavailable = /^unavailable: the store did not answer/;

describe.skipIf(redisProgram === undefined)("an engine", () => {
  test("that is gone makes calls unavailable, which readiness and health say; all comes back by itself", async ({
    shared,
  }) => {
    const mock = await shared.replica();
    const readiness = async () => (await fetch(`${mock.url}/readyz`)).status;
    const health = createRpcClient(Health, createGrpcTransport({ baseUrl: mock.url }));
    const watched = health.watch({})[Symbol.asyncIterator]();
    expect((await watched.next()).value?.status).toBe(Status.SERVING);
    await shared.server.kill();
    expect(await failureOf(mock.runner.createRunner(aws))).toMatch(unavailable);
    expect((await watched.next()).value?.status).toBe(Status.NOT_SERVING);
    expect(await readiness()).toBe(503);
    expect((await health.check({})).status).toBe(Status.NOT_SERVING);
    await shared.server.run();
    expect((await watched.next()).value?.status).toBe(Status.SERVING);
    expect(await readiness()).toBe(200);
    expect(await failureOf(mock.runner.createRunner(aws))).toBe("ok");
  });

  test("that says nothing any more makes calls unavailable after ten seconds", { timeout: 60_000 }, async ({
    shared,
  }) => {
    const mock = await shared.replica();
    shared.server.freeze(true);
    expect(await failureOf(mock.runner.createRunner(aws))).toMatch(unavailable);
    shared.server.freeze(false);
    await expect.poll(() => failureOf(mock.runner.createRunner(aws)), { timeout: 20_000 }).toBe("ok");
  });

  test("that has lost everything ends the watches of what was there", async ({ shared }) => {
    const mock = await shared.replica();
    await mock.runner.createRunner(aws);
    const watch = mock.client(EventService).watchEvents({})[Symbol.asyncIterator]();
    const ended = failureOf(watch.next());
    await expect.poll(() => mock.calls.list({ rpc: "WatchEvents" })).toHaveLength(1);
    await shared.server.kill();
    await shared.server.run();
    expect(await ended).toBe("unavailable: the world was reset or deleted");
    await expect.poll(async () => (await fetch(`${mock.url}/readyz`)).status).toBe(200);
    expect((await mock.runner.listRunners({})).runners).toEqual([]);
  });

  test("is refused at the start without a key, with another key, and with data of another version", async ({
    shared,
  }) => {
    const refusal = (options: object) =>
      shared.replica(options).then(
        () => "none",
        (error: Error) => error.message,
      );
    expect(await refusal({ storeKey: undefined })).toMatch(/^option storeKey: got nothing/);
    await shared.replica();
    expect(await refusal({ storeKey: `${storeKey}, but another` })).toBe(
      "the store was written with another store key: give the same to all replicas",
    );
    await withEngine(shared.server.url, (engine) => engine.set("runner-mock:format", '{"version":"2"}'));
    expect(await refusal({})).toBe(
      "the store has data of version 2, and this mock writes version 1: use another database, or clear it",
    );
    await shared.server.kill();
    expect(await refusal({})).toMatch(
      /^the store at redis:\/\/127\.0\.0\.1:\d+ cannot be used: .*ECONNREFUSED/,
    );
  });

  test("holds no token, no password and no key that can be read", async ({ shared }) => {
    const mock = await shared.replica();
    const metrics = {
      url: "https://metrics.example.com",
      username: "somebody",
      password: "a metrics password",
    };
    const { runner, exchangeToken, accessToken } = await mock.runner.createRunner({
      ...aws,
      spec: { configuration: { metrics } },
    });
    await mock.identity.getIDToken({ audience: ["somebody"] });
    const written = await withEngine(shared.server.url, contentOf);
    expect(written).toContain(runner?.runnerId);
    for (const secret of [exchangeToken, accessToken, metrics.password, '"d":"', "RSA"]) {
      expect(written).not.toContain(secret);
    }
    expect(written).not.toMatch(/rmock_/);
  });
});

async function withEngine<T>(url: string, use: (client: RedisClientType) => Promise<T>): Promise<T> {
  const client = createClient({ url });
  await client.connect();
  try {
    return await use(client as RedisClientType);
  } finally {
    client.destroy();
  }
}

/** Everything that is in the engine. */
async function contentOf(client: RedisClientType): Promise<string> {
  const parts: string[] = [];
  for (const key of await client.keys("*")) {
    const kind = await client.type(key);
    const read = { hash: "HGETALL", zset: "ZRANGE", string: "GET", stream: "XRANGE" }[kind] ?? "";
    const range = { zset: ["0", "-1"], stream: ["-", "+"] }[kind] ?? [];
    parts.push(key, JSON.stringify(await client.sendCommand([read, key, ...range])));
  }
  return parts.join("\n");
}
