import { parse, validate, version } from "uuid";
import { describe, expect, test } from "vitest";
import { createIds, idOfName } from "../src/ids.ts";
import { systemRandom } from "../src/random.ts";
import { countingRandom, startMs } from "./support/mock.ts";

/** A clock that says what it is told to. */
const clock = { ms: startMs, nowMs: () => clock.ms, schedule: () => () => {} };

const timestampOf = (id: string) => Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);

describe("new identifiers", () => {
  test.for([
    ["counted", countingRandom],
    ["random", () => systemRandom],
  ] as const)("are UUIDv7 of the clock's time, from %s bytes", ([, random]) => {
    clock.ms = startMs;
    const ids = createIds(clock, random());
    for (const ms of [startMs, startMs + 1, startMs + 86_400_000, Date.UTC(9999, 11, 31)]) {
      clock.ms = ms;
      const id = ids();
      expect([validate(id), version(id), timestampOf(id)]).toEqual([true, 7, ms]);
    }
  });

  test.for([
    ["while the clock stands", 0],
    ["while it runs", 1],
    ["while it leaps", 3_600_000],
  ] as const)("ascend %s", ([, stepMs]) => {
    clock.ms = startMs;
    const ids = createIds(clock, systemRandom);
    let last = "";
    for (let i = 0; i < 10_000; i++) {
      const id = ids();
      if (id <= last) throw new Error(`${id} came after ${last}`);
      last = id;
      clock.ms += stepMs;
    }
  });

  test("ascend also where the randomness is at its greatest, and still carry the clock's time", () => {
    clock.ms = startMs;
    const ids = createIds(clock, (length) => new Uint8Array(length).fill(255));
    const made = Array.from({ length: 1000 }, () => ids());
    expect(made).toEqual(made.toSorted());
    expect(new Set(made).size).toBe(1000);
    expect(new Set(made.map(timestampOf))).toEqual(new Set([startMs]));
    expect(made.every((id) => validate(id) && version(id) === 7)).toBe(true);
  });

  test("ascend even if a clock goes back", () => {
    clock.ms = startMs;
    const ids = createIds(clock, systemRandom);
    const before = ids();
    clock.ms = startMs - 1000;
    expect(ids() > before).toBe(true);
  });

  test("are the same in every run with the same time and the same bytes", () => {
    clock.ms = startMs;
    const run = () => {
      const ids = createIds(clock, countingRandom());
      return Array.from({ length: 10 }, () => ids());
    };
    expect(run()).toEqual(run());
  });

  test("differ in their random bits, so that two worlds do not make the same ones", () => {
    clock.ms = startMs;
    const ids = Array.from({ length: 200 }, () => createIds(clock, systemRandom)());
    expect(new Set(ids).size).toBe(200);
    const lastBytes = ids.map((id) => parse(id)[15]);
    expect(new Set(lastBytes).size).toBeGreaterThan(50);
  });
});

describe("the identifier of a name", () => {
  test("is a UUID, always the same, and another for another name", () => {
    const names = ["user", "alice", "Alice", "", "a".repeat(1000), "🏃"];
    const ids = names.map(idOfName);
    expect(ids.every((id) => validate(id))).toBe(true);
    expect(names.map(idOfName)).toEqual(ids);
    expect(new Set(ids).size).toBe(names.length);
  });

  test("stays what it is in every release: people write it down in their tests", () => {
    expect(idOfName("alice")).toBe("7b27fc40-e8bd-5a87-9a38-001e80ca8b80");
  });
});
