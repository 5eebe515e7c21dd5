/** An engine for tests of the store on its own: each gets a space of its own. */

import { systemTime } from "../../../src/clock.ts";
import { systemRandom } from "../../../src/random.ts";
import { Connection } from "../../../src/store/redis/connection.ts";
import { RedisStore } from "../../../src/store/redis/redis-store.ts";
import { Seal } from "../../../src/store/redis/seal.ts";
import { SharedClock } from "../../../src/store/redis/shared-clock.ts";
import { Spaces } from "../../../src/store/redis/spaces.ts";
import { quietTime } from "../../support/parts.ts";
import { RedisServer } from "../../support/redis-server.ts";

export interface OpenedStore {
  readonly store: RedisStore;
  readonly clock: SharedClock;
  readonly space: string;
  pass(ms: number): void;
  /** Another store on the same space, as another process would have it. */
  beside(): OpenedStore;
}

export interface TestEngine {
  readonly url: string;
  /** A fresh store, in a clock that stands. */
  open(maxFeedEntries: number): Promise<OpenedStore>;
  close(): Promise<void>;
}

export async function openEngine(): Promise<TestEngine> {
  const server = await RedisServer.start();
  const connection = await Connection.open(server.url);
  const seal = new Seal("the key of the tests", systemRandom);
  const opened: RedisStore[] = [];

  const storeAt = (space: string, maxFeedEntries: number): OpenedStore => {
    const time = quietTime();
    // What follows the feed rests in between, in the machine's time.
    const host = { ...time, setTimer: systemTime.setTimer };
    const clock: SharedClock = new SharedClock(connection, space, host, () => store.settleDue());
    const store = new RedisStore({ connection, seal, space, clock, host, maxFeedEntries });
    opened.push(store);
    return { store, clock, space, pass: time.pass, beside: () => storeAt(space, maxFeedEntries) };
  };
  return {
    url: server.url,
    async open(maxFeedEntries) {
      const spaces = new Spaces(connection, seal, quietTime(), systemRandom);
      const space = spaces.fresh("world");
      await spaces.make("world", space, "");
      return storeAt(space, maxFeedEntries);
    },
    async close() {
      for (const store of opened) store.close();
      connection.close();
      await server.close();
    },
  };
}
