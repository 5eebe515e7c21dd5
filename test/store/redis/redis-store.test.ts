/** The store in a shared engine: the same as in memory, against a real server. */
import { afterAll, afterEach, beforeAll, describe } from "vitest";
import { systemRandom } from "../../../src/random.ts";
import { Connection } from "../../../src/store/redis/connection.ts";
import { RedisStore } from "../../../src/store/redis/redis-store.ts";
import { Seal } from "../../../src/store/redis/seal.ts";
import { SharedClock } from "../../../src/store/redis/shared-clock.ts";
import { Spaces } from "../../../src/store/redis/spaces.ts";
import { quietTime } from "../../support/parts.ts";
import { RedisServer, redisProgram } from "../../support/redis-server.ts";
import { describeStore } from "../contract.ts";
import { describeStoreEvents } from "../contract-events.ts";

describe.skipIf(redisProgram === undefined)("in Redis,", () => {
  let server: RedisServer;
  let connection: Connection;
  const seal = new Seal("the key of the tests", systemRandom);
  const opened: RedisStore[] = [];

  beforeAll(async () => {
    server = await RedisServer.start();
    connection = await Connection.open(server.url);
  });
  afterEach(() => {
    for (const store of opened.splice(0)) store.close();
  });
  afterAll(async () => {
    connection.close();
    await server.close();
  });

  const open = async () => {
    const host = quietTime();
    const spaces = new Spaces(connection, seal, host, systemRandom);
    const space = spaces.fresh("world");
    await spaces.make("world", space, "");
    const clock: SharedClock = new SharedClock(connection, space, host, () => store.settleDue());
    const store = new RedisStore({ connection, seal, space, clock, host, maxFeedEntries: 100 });
    opened.push(store);
    return { store, clock, pass: host.pass };
  };
  describeStore(open);
  describeStoreEvents(open);
});
