/** What is closed under a key can be opened with it alone, where it was put, as it was. */
import { expect, test } from "vitest";
import { systemRandom } from "../../../src/random.ts";
import { Seal } from "../../../src/store/redis/seal.ts";

const seal = new Seal("0123456789abcdef", systemRandom);

test("a closed text is opened again, and says nothing of the text", () => {
  const closed = seal.close("a password", "runners/1");
  expect(seal.open(closed, "runners/1")).toBe("a password");
  expect(closed.toString("latin1")).not.toContain("password");
  expect(seal.close("a password", "runners/1")).not.toEqual(closed);
});

test("not with another key, in another place, or once it has been changed", () => {
  const closed = seal.close("a password", "runners/1");
  expect(() => new Seal("0123456789abcdeg", systemRandom).open(closed, "runners/1")).toThrow();
  expect(() => seal.open(closed, "runners/2")).toThrow();
  for (const at of [0, 12, 28]) {
    const changed = Buffer.from(closed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => seal.open(changed, "runners/1")).toThrow();
  }
});
