import { describe, expect, test } from "vitest";
import { durationMs } from "../src/duration.ts";

describe("a duration", () => {
  test.for([
    [0, 0],
    [1, 1],
    [1500, 1500],
    [0.4, 0],
    [0.5, 1],
    ["0s", 0],
    ["1ms", 1],
    ["500ms", 500],
    ["30s", 30_000],
    ["30 s", 30_000],
    ["30S", 30_000],
    [".5s", 500],
    ["1.5m", 90_000],
    ["15 minutes", 900_000],
    ["24h", 86_400_000],
    ["7d", 604_800_000],
    ["0.4ms", 0],
    [2 ** 43, 2 ** 43],
  ] as const)("%j is %i ms", ([duration, expectedMs]) => {
    expect(durationMs(duration)).toBe(expectedMs);
  });

  test.for([
    ["", '""'],
    ["30", '"30"'],
    ["1e3", '"1e3"'],
    ["s", '"s"'],
    ["thirty seconds", '"thirty seconds"'],
    ["30 parsecs", '"30 parsecs"'],
    ["30s ", '"30s "'],
    ["1h30m", '"1h30m"'],
    ["-1s", '"-1s"'],
    ["٣٠s", '"٣٠s"'],
    ["1000y", '"1000y"'],
    [-1, "-1"],
    [-0.5, "-0.5"],
    [2 ** 43 + 1, String(2 ** 43 + 1)],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "Infinity"],
    [Number.NEGATIVE_INFINITY, "-Infinity"],
  ] as const)("%s is none, and the error shows it: %s", ([duration, shown]) => {
    expect(() => durationMs(duration)).toThrow(RangeError);
    expect(() => durationMs(duration)).toThrow(shown);
  });

  test("of absurd length is refused, too", () => {
    expect(() => durationMs(`${"9".repeat(1000)}s`)).toThrow(RangeError);
    expect(() => durationMs(`${"9".repeat(90)}s`)).toThrow(RangeError);
  });
});
