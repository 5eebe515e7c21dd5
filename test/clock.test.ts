/** The clock of a world, on a machine whose own time the test moves. */
import { beforeEach, describe, expect, test } from "vitest";
import { systemTime, WorldClock } from "../src/clock.ts";
import { ManualTime } from "./support/manual-time.ts";
import { startMs } from "./support/mock.ts";

const endOfTimeMs = Date.UTC(10_000, 0) - 1;

let host: ManualTime;
let clock: WorldClock;
/** What has happened: the names of timers, with the time that they saw, from the beginning of the test. */
let events: [string, number][];
beforeEach(() => {
  host = new ManualTime();
  clock = new WorldClock(host);
  events = [];
});

const sinceStart = () => clock.nowMs() - startMs;
const schedule = (name: string, afterMs: number) =>
  clock.schedule(startMs + afterMs, () => {
    events.push([name, sinceStart()]);
  });

describe("the time of a clock", () => {
  test("follows the host's", async () => {
    expect(clock.nowMs()).toBe(startMs);
    await host.pass(1234);
    expect(sinceStart()).toBe(1234);
  });

  test("runs on from where it was advanced to", async () => {
    await clock.advance("31s");
    expect(sinceStart()).toBe(31_000);
    await host.pass(10);
    expect(sinceStart()).toBe(31_010);
    await clock.advance(5);
    expect(sinceStart()).toBe(31_015);
  });

  test.for([
    [0, 0],
    ["0s", 0],
    [1, 1],
    ["500ms", 500],
    ["1.5m", 90_000],
    ["24h", 86_400_000],
    ["2 days", 172_800_000],
    ["1ms", 1],
  ] as const)("is advanced by %j", async ([by, ms]) => {
    await clock.advance(by);
    expect(sinceStart()).toBe(ms);
  });

  test.for([
    [-1],
    ["-1s"],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [Number.NEGATIVE_INFINITY],
    [""],
    ["30"],
    ["soon"],
    ["s"],
    ["30 parsecs"],
    ["1h 30m"],
    ["NaN"],
    [Number.MAX_SAFE_INTEGER],
    ["300000d"],
    [`${"9".repeat(400)}s`],
  ] as const)("is not moved by %s", async ([by]) => {
    await clock.advance("1s");
    await expect(clock.advance(by)).rejects.toThrow(RangeError);
    expect(sinceStart()).toBe(1000);
    // And it is as good as before.
    schedule("later", 2000);
    await clock.advance("1s");
    expect(events).toEqual([["later", 2000]]);
  });

  test.for([[undefined], [null], [{}], [[]], [true]])(
    "is not moved by %s, which is told so",
    async ([by]) => {
      await expect(clock.advance(by as never)).rejects.toThrow(/^invalid duration /);
      expect(sinceStart()).toBe(0);
    },
  );

  test("ends with the year 9999", async () => {
    const byMs = 250 * 365 * 86_400_000;
    while (clock.nowMs() + byMs <= endOfTimeMs) await clock.advance(byMs);
    const beforeMs = clock.nowMs();
    await expect(clock.advance(endOfTimeMs - beforeMs + 1)).rejects.toThrow("9999");
    expect(clock.nowMs()).toBe(beforeMs);
    await clock.advance(endOfTimeMs - beforeMs);
    expect(clock.nowMs()).toBe(endOfTimeMs);
    await expect(clock.advance(1)).rejects.toThrow(RangeError);
  });

  test("never goes back when the host's is set back, and goes on when that has caught up", async () => {
    await host.pass(10_000);
    expect(sinceStart()).toBe(10_000);
    host.set(startMs + 4_000);
    expect(sinceStart()).toBe(10_000);
    await host.pass(6_000);
    expect(sinceStart()).toBe(10_000);
    await host.pass(1);
    expect(sinceStart()).toBe(10_001);
  });

  test("can be advanced, and runs on, while the host's is set back", async () => {
    await host.pass(10_000);
    expect(sinceStart()).toBe(10_000);
    host.set(startMs - 3_600_000);
    schedule("due", 12_000);
    await clock.advance("2s");
    expect(events).toEqual([["due", 12_000]]);
    expect(sinceStart()).toBe(12_000);
    await host.pass(500);
    expect(sinceStart()).toBe(12_500);
  });

  test("is another in each clock", async () => {
    const other = new WorldClock(host);
    await clock.advance("1h");
    expect(other.nowMs()).toBe(startMs);
  });
});

describe("timers", () => {
  test("run by themselves when the host's time has come", async () => {
    schedule("a", 100);
    await host.pass(99);
    expect(events).toEqual([]);
    await host.pass(1);
    expect(events).toEqual([["a", 100]]);
    expect(host.waiting).toBe(0);
  });

  test("run in the order of their moments, and of their scheduling where those are the same", async () => {
    for (const [name, afterMs] of [
      ["d", 30],
      ["b", 20],
      ["a", 10],
      ["c", 20],
    ] as const) {
      schedule(name, afterMs);
    }
    await clock.advance(100);
    expect(events).toEqual([
      ["a", 10],
      ["b", 20],
      ["c", 20],
      ["d", 30],
    ]);
  });

  test("each see the moment that they were scheduled for, and are told it", async () => {
    const told: number[] = [];
    for (const afterMs of [10, 25]) {
      clock.schedule(startMs + afterMs, (dueAtMs) => {
        told.push(dueAtMs - startMs, sinceStart());
      });
    }
    await clock.advance(1000);
    expect(told).toEqual([10, 10, 25, 25]);
    expect(sinceStart()).toBe(1000);
  });

  test("that lie in the past run at once, and time does not go back for them", async () => {
    await clock.advance(100);
    schedule("past", 50);
    await clock.advance(0);
    expect(events).toEqual([["past", 100]]);
    schedule("now", 100);
    await host.pass(0);
    expect(events).toEqual([
      ["past", 100],
      ["now", 100],
    ]);
  });

  test("are due at their moment, not before", async () => {
    schedule("a", 100);
    await clock.advance(99);
    expect(events).toEqual([]);
    await clock.advance(1);
    expect(events).toEqual([["a", 100]]);
    await clock.advance(1000);
    expect(events).toHaveLength(1);
  });

  test("that timers schedule run on the same way, if they are due", async () => {
    clock.schedule(startMs + 10, () => {
      schedule("soon", 20);
      schedule("at once", 10);
      schedule("too late", 101);
    });
    schedule("between", 15);
    await clock.advance(100);
    expect(events).toEqual([
      ["at once", 10],
      ["between", 15],
      ["soon", 20],
    ]);
    await clock.advance(1);
    expect(events.at(-1)).toEqual(["too late", 101]);
  });

  test("that are called off do not run, also if a timer before them calls them off", async () => {
    const callOff = schedule("never", 20);
    schedule("called off at once", 20)();
    clock.schedule(startMs + 10, () => callOff());
    await clock.advance(100);
    expect(events).toEqual([]);
  });

  test("have happened when advance resolves, also if they take their time", async () => {
    clock.schedule(startMs + 10, async () => {
      events.push(["begins", sinceStart()]);
      for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
      events.push(["ends", sinceStart()]);
    });
    schedule("next", 20);
    await clock.advance(100);
    expect(events).toEqual([
      ["begins", 10],
      ["ends", 10],
      ["next", 20],
    ]);
  });

  test("of two advances at once run in one order, and the time is that of both", async () => {
    schedule("a", 10);
    schedule("b", 60);
    schedule("c", 101);
    await Promise.all([clock.advance(50), clock.advance(50)]);
    expect(events).toEqual([
      ["a", 10],
      ["b", 60],
    ]);
    expect(sinceStart()).toBe(100);
  });

  test("run by the host's time what an advance has brought near", async () => {
    schedule("a", 1000);
    await clock.advance(990);
    await host.pass(9);
    expect(events).toEqual([]);
    await host.pass(1);
    expect(events).toEqual([["a", 1000]]);
  });

  test("may lie further away than the host's timers reach", async () => {
    const maxTimerMs = 2 ** 31 - 1;
    const afterMs = 3 * 2 ** 31;
    schedule("far", afterMs);
    await host.pass(afterMs - 1);
    expect(events).toEqual([]);
    await host.pass(1);
    expect(events).toEqual([["far", afterMs]]);
    expect(Math.max(...host.delaysMs)).toBeLessThanOrEqual(maxTimerMs);
  });

  test("are not lost when a nearer one is scheduled behind them, or called off", async () => {
    schedule("far", 100);
    const callOff = schedule("near", 10);
    schedule("nearest", 5);
    callOff();
    await host.pass(200);
    expect(events).toEqual([
      ["nearest", 5],
      ["far", 100],
    ]);
  });

  test("run at the host's pace also after its time was set back", async () => {
    schedule("a", 100);
    host.set(startMs - 1000);
    await host.pass(100);
    // The clock stands until the host has caught up; it must not forget the timer.
    await host.pass(1000);
    expect(events).toEqual([["a", 100]]);
  });

  test("do not run once the clock is closed", async () => {
    schedule("a", 100);
    clock.close();
    schedule("b", 100);
    await host.pass(1000);
    expect(events).toEqual([]);
    expect(host.waiting).toBe(0);
  });

  test("of a thousand run each once and in order", async () => {
    const moments = Array.from({ length: 1000 }, (_, index) => (index * 7919) % 1000);
    for (const afterMs of moments) schedule("", afterMs);
    await clock.advance(1000);
    expect(events.map(([, atMs]) => atMs)).toEqual(moments.toSorted((a, b) => a - b));
  });
});

describe("a frozen clock", () => {
  test("stands, and its timers wait with it", async () => {
    schedule("a", 100);
    await host.pass(40);
    await clock.freeze();
    expect(clock.frozen).toBe(true);
    await host.pass(10_000);
    expect(sinceStart()).toBe(40);
    expect(events).toEqual([]);
  });

  test("can be advanced, and stands there", async () => {
    await clock.freeze();
    schedule("a", 100);
    await clock.advance(99);
    await host.pass(10_000);
    expect([sinceStart(), events]).toEqual([99, []]);
    await clock.advance(1);
    expect([sinceStart(), events, clock.frozen]).toEqual([100, [["a", 100]], true]);
  });

  test("resumes from where it stands, and its timers with it", async () => {
    schedule("a", 100);
    await host.pass(40);
    await clock.freeze();
    await host.pass(10_000);
    await clock.resume();
    expect([clock.frozen, sinceStart()]).toEqual([false, 40]);
    await host.pass(59);
    expect(events).toEqual([]);
    await host.pass(1);
    expect(events).toEqual([["a", 100]]);
  });

  test("may be frozen and resumed again and again", async () => {
    for (let times = 1; times <= 3; times++) {
      await clock.freeze();
      await clock.freeze();
      await host.pass(1000);
      await clock.resume();
      await clock.resume();
      await host.pass(10);
      expect(sinceStart()).toBe(times * 10);
    }
  });

  test("frozen by a timer stands where the advance leads to", async () => {
    clock.schedule(startMs + 10, () => clock.freeze());
    await clock.advance(100);
    expect([sinceStart(), clock.frozen]).toEqual([100, true]);
    await host.pass(1000);
    expect(sinceStart()).toBe(100);
  });
});

describe("the machine's own time", () => {
  test("is that of the epoch, in whole milliseconds", () => {
    const before = Date.now();
    const now = systemTime.nowMs();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThanOrEqual(Date.now());
  });

  test("wakes by itself a clock with a timer, and not when that is called off", async () => {
    const real = new WorldClock();
    const atMs = real.nowMs() + 1;
    const ran: string[] = [];
    real.schedule(atMs, () => {
      ran.push("called off");
    })();
    await new Promise<void>((resolve) => {
      real.schedule(atMs, () => resolve());
    });
    expect(real.nowMs()).toBeGreaterThanOrEqual(atMs);
    expect(ran).toEqual([]);
    real.close();
  });
});
