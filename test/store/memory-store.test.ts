/** The store in memory: what every store does, and what it costs. */
import { getHeapStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { type Timers, WorldClock } from "../../src/clock.ts";
import type { MemoryStore } from "../../src/store/memory-store.ts";
import type { CollectionRules, Document } from "../../src/store/store.ts";
import { startMs, stillTime } from "../support/mock.ts";
import { memoryStore, quietTime } from "../support/parts.ts";
import { describeStore } from "./contract.ts";
import { describeStoreEvents } from "./contract-events.ts";

const open = async () => {
  const time = quietTime();
  const clock = new WorldClock(time);
  return { clock, store: memoryStore(clock, 100), pass: time.pass };
};
describeStore(open);
describeStoreEvents(open);

/** A clock that never wakes anybody: what expires has to be found out by who reads. */
class SleepyClock implements Timers {
  ms = startMs;
  scheduled = 0;
  calledOff = 0;

  nowMs(): number {
    return this.ms;
  }

  schedule(): () => void {
    this.scheduled++;
    return () => {
      this.calledOff++;
    };
  }

  async turn(): Promise<void> {}
}

let clock: WorldClock;
let store: MemoryStore;
beforeEach(() => {
  clock = new WorldClock(stillTime);
  store = memoryStore(clock);
});

const collection = <T = string>(rules?: CollectionRules<T>, name = "things") =>
  store.collection<T>(name, rules);

/** A document that expires after so many milliseconds from the beginning of the test. */
const doc = (id: string, expiresAfterMs?: number, value = `value of ${id}`): Document<string> => ({
  id,
  value,
  ...(expiresAfterMs === undefined ? {} : { expiresAtMs: startMs + expiresAfterMs }),
});

describe("the expiry rule", () => {
  test("is applied once where a reader is faster than the timer", async () => {
    const sleepy = new SleepyClock();
    const wakes: ((dueAtMs: number) => unknown)[] = [];
    store = memoryStore({
      nowMs: () => sleepy.nowMs(),
      schedule: (_atMs, run) => {
        wakes.push(run);
        return () => {};
      },
      turn: async () => {},
    });
    /** Becomes `value'`, which expires 10 ms later. */
    const expire = vi.fn((document: Document<string>): Document<string> | undefined => ({
      ...document,
      value: `${document.value}'`,
      expiresAtMs: (document.expiresAtMs ?? 0) + 10,
    }));
    const things = collection({ expire });
    await things.put(doc("a", 10, "v"));
    sleepy.ms += 15;
    expect((await things.get("a"))?.value).toBe("v'");
    for (const wake of wakes.splice(0)) await wake(startMs + 10);
    expect((await things.get("a"))?.value).toBe("v'");
    expect(expire).toHaveBeenCalledTimes(1);
    // And the timer for the next step is set.
    sleepy.ms += 5;
    for (const wake of wakes.splice(0)) await wake(startMs + 20);
    expect(expire).toHaveBeenCalledTimes(2);
    expect((await things.get("a"))?.value).toBe("v''");
  });
});

test("a document whose moment was moved back and forth is waited for once, not once for each move", async () => {
  let wakes = 0;
  const counting: Timers = {
    nowMs: () => clock.nowMs(),
    schedule: (atMs, run) => {
      wakes++;
      return clock.schedule(atMs, run);
    },
    turn: async () => {},
  };
  const things = memoryStore(counting).collection<string>("things");
  const inMs = (ms: number) => ({ id: "a", value: "", expiresAtMs: clock.nowMs() + ms });
  for (let moves = 0; moves < 200; moves++) {
    await things.put(inMs(24 * 3_600_000));
    await things.put(inMs(30_000));
    await clock.advance(1_000);
  }
  wakes = 0;
  await clock.advance("25h");
  expect(await things.get("a")).toBeUndefined();
  expect(wakes).toBeLessThan(5);
});

describe("what the store costs", () => {
  test("one timer stands on the clock, however many documents expire", async () => {
    const sleepy = new SleepyClock();
    store = memoryStore(sleepy);
    const things = collection();
    for (let i = 0; i < 10_000; i++) await things.put(doc(`${i}`, 1000 + i));
    for (let i = 0; i < 10_000; i++) await things.put(doc(`${i}`, 100_000 + i));
    expect(sleepy.scheduled - sleepy.calledOff).toBe(1);
    expect(sleepy.scheduled).toBeLessThan(10);
  });

  test("documents that are taken before their time leave nothing behind", async () => {
    const sleepy = new SleepyClock();
    store = memoryStore(sleepy);
    const things = collection();
    const putAndTake = async (count: number) => {
      for (let i = 0; i < count; i++) {
        // A long id of its own each: whoever keeps any of them keeps a kilobyte.
        const id = `${i} ${Buffer.alloc(1000, i).toString("latin1")}`;
        await things.put(doc(id, 86_400_000 + i));
        await things.take(id);
      }
    };
    await putAndTake(1000);
    const beforeBytes = usedHeapBytes();
    await putAndTake(100_000);
    expect(sleepy.scheduled - sleepy.calledOff).toBeLessThanOrEqual(1);
    expect(usedHeapBytes() - beforeBytes).toBeLessThan(10_000_000);
  });

  test("documents that are renewed again and again leave nothing behind", async () => {
    const sleepy = new SleepyClock();
    store = memoryStore(sleepy);
    const things = collection();
    const renew = async (count: number) => {
      for (let i = 0; i < count; i++) await things.put(doc("a", 30_000 + i));
    };
    await renew(1000);
    const beforeBytes = usedHeapBytes();
    await renew(200_000);
    expect(sleepy.scheduled).toBe(1);
    expect(usedHeapBytes() - beforeBytes).toBeLessThan(4_000_000);
  });

  setFlagsFromString("--expose-gc");
  const collectGarbage: () => void = runInNewContext("gc");

  function usedHeapBytes(): number {
    collectGarbage();
    return getHeapStatistics().used_heap_size;
  }
});

test("between hundreds of documents that fall due at once, others get their turn and find all of them settled", async () => {
  let turns = 0;
  const found: (string | undefined)[] = [];
  const crowd = memoryStore({
    nowMs: () => clock.nowMs(),
    schedule: (atMs, run) => clock.schedule(atMs, run),
    turn: async () => {
      turns++;
      found.push((await things.get("449"))?.value);
    },
  });
  const things = crowd.collection<string>("things");
  for (let id = 0; id < 450; id++)
    await things.put({ id: String(id), value: "", expiresAtMs: clock.nowMs() + 1_000 });
  await clock.advance(1_000);
  expect(turns).toBe(22);
  expect(found).toEqual(Array(22).fill(undefined));
  expect(await things.all()).toEqual([]);
});
