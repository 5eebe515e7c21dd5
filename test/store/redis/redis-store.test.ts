/** The store in a shared engine: the same as in memory, against a real server; and between several processes. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Document } from "../../../src/store/store.ts";
import { startMs } from "../../support/mock.ts";
import { redisProgram } from "../../support/redis-server.ts";
import { describeStore } from "../contract.ts";
import { describeStoreEvents } from "../contract-events.ts";
import { openEngine, type TestEngine } from "./engine.ts";

describe.skipIf(redisProgram === undefined)("in Redis,", () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await openEngine();
  });
  afterAll(() => engine.close());

  const open = () => engine.open(100);
  describeStore(open);
  describeStoreEvents(open);

  describe("of two stores on one space", () => {
    test("of many at both who change what all have read exactly one does, and none is lost", async () => {
      const one = await open();
      const counters = [one, one.beside()].map(({ store }) => store.collection<number>("counters"));
      await counters[0]?.put({ id: "a", value: 0 });
      const increment = async (index: number) => {
        const counter = counters[index % 2];
        for (;;) {
          const read = (await counter?.get("a")) as Document<number>;
          if (await counter?.put({ id: "a", value: read.value + 1 }, { if: { unchanged: read } })) return;
        }
      };
      await Promise.all(Array.from({ length: 40 }, (_, index) => increment(index)));
      expect((await counters[1]?.get("a"))?.value).toBe(40);
    });

    test("their clock adds up what both advance it by at once, and stands for both once one freezes it", async () => {
      const one = await open();
      const clocks = [one, one.beside()].map(({ clock }) => clock);
      await Promise.all(clocks.map((clock, index) => clock.advance((index + 1) * 1_000)));
      await Promise.all(clocks.map((clock) => clock.freeze()));
      one.pass(500);
      await clocks[1]?.advance(1);
      await Promise.all(clocks.map((clock) => clock.advance(0)));
      expect(clocks.map((clock) => clock.nowMs() - startMs)).toEqual([3_001, 3_001]);
      await expect(clocks[0]?.advance(-1)).rejects.toThrow("must not be negative");
    });

    test("the rule of expiry is applied once, whichever of them is asked", async () => {
      const opened = await open();
      const stores = [opened, opened.beside()];
      const things = stores.map(({ store }) =>
        store.collection<number>("things", {
          expire: ({ id, value }) => ({ id, value: value + 1 }),
        }),
      );
      for (let id = 0; id < 20; id++) {
        await things[0]?.put({ id: String(id), value: 0, expiresAtMs: startMs + 10 });
      }
      for (const { pass } of stores) pass(10);
      const all = await Promise.all([...things, ...things].map((each) => each.all()));
      expect(all.flat().map(({ value }) => value)).toEqual(Array(80).fill(1));
    });

    test("a copy of what is mirrored is renewed where it has changed", async () => {
      const [one, other] = [await open()].flatMap((opened) => [opened, opened.beside()]);
      const [here, there] = [one, other].map((each) =>
        each?.store.collection<string>("mirrored", { mirrored: true }),
      );
      await here?.put({ id: "b", value: "" });
      await here?.put({ id: "a", value: "" });
      expect(here?.mirror().map(({ id }) => id)).toEqual(["a", "b"]);
      expect(there?.mirror()).toEqual([]);
      await other?.store.refresh(2, 0);
      expect(there?.mirror().map(({ id }) => id)).toEqual(["a", "b"]);
    });
  });
});
