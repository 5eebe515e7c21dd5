/** Replicas of a mock that share a store, in this process: each with sockets of its own, in the machine's time. */
import { test as base } from "vitest";
import { systemTime } from "../../src/clock.ts";
import type { RunnerMockOptions } from "../../src/options.ts";
import { systemRandom } from "../../src/random.ts";
import { openMock, type TestMock } from "./mock.ts";
import { RedisServer } from "./redis-server.ts";

export const storeKey = "the key of the tests";

export interface Shared {
  readonly server: RedisServer;
  /** Starts a replica. */
  replica(options?: RunnerMockOptions): Promise<TestMock>;
  /** Starts as many. */
  replicas(count: number, options?: RunnerMockOptions): Promise<readonly TestMock[]>;
}

/** @param args of the engine */
export async function openShared(args: readonly string[] = []): Promise<Shared & { close(): Promise<void> }> {
  const server = await RedisServer.start(() => args);
  const mocks: TestMock[] = [];
  const replica: Shared["replica"] = async (options = {}) => {
    const mock = await openMock(
      { store: server.url, storeKey, controlPort: 0, ...options },
      systemTime,
      systemRandom,
    );
    mocks.push(mock);
    return mock;
  };
  return {
    server,
    replica,
    replicas: (count, options) => Promise.all(Array.from({ length: count }, () => replica(options))),
    async close() {
      await Promise.all(mocks.map((mock) => mock.close()));
      await server.close();
    },
  };
}

export const test = base.extend<{ shared: Shared }>({
  shared: async ({ task: _ }, use) => {
    const shared = await openShared();
    await use(shared);
    await shared.close();
  },
});
