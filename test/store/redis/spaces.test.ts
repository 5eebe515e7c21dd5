/** Where worlds are in the engine, and that nothing is left of those that are not. */
import { expect, test } from "vitest";
import { systemRandom } from "../../../src/random.ts";
import { Connection } from "../../../src/store/redis/connection.ts";
import { Seal } from "../../../src/store/redis/seal.ts";
import { Spaces } from "../../../src/store/redis/spaces.ts";
import { quietTime } from "../../support/parts.ts";
import { RedisServer, redisProgram } from "../../support/redis-server.ts";

test.skipIf(redisProgram === undefined)(
  "a space whose maker was killed goes when the world is made again, an hour later",
  async () => {
    const server = await RedisServer.start();
    const connection = await Connection.open(server.url);
    const host = quietTime();
    const spaces = new Spaces(connection, new Seal("the key of the tests", systemRandom), host, systemRandom);
    const make = async () => {
      const space = spaces.fresh("world");
      await spaces.make("world", space, "things");
      return space;
    };
    const forgotten = await make();
    host.pass(3_599_999);
    await make();
    expect(await server.keys()).toContain(`${forgotten}:meta`);
    host.pass(1);
    const made = await make();
    expect(await server.keys()).not.toContain(`${forgotten}:meta`);
    expect(await spaces.settle("world", made, undefined, "")).toBe(true);
    host.pass(3_600_000);
    await make();
    expect((await spaces.find("world"))?.space).toBe(made);
    connection.close();
    await server.close();
  },
);
