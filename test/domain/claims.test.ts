/** Names that no two documents may have at once, and what becomes of them. */
import { test as base, expect } from "vitest";
import { WorldClock } from "../../src/clock.ts";
import { Claims } from "../../src/domain/claims.ts";
import { stillTime } from "../support/mock.ts";
import { memoryStore } from "../support/parts.ts";

const test = base.extend<{ parts: ReturnType<typeof partsOf> }>({
  parts: async ({ task: _ }, use) => use(partsOf()),
});

function partsOf() {
  const store = memoryStore(new WorldClock(stillTime));
  return { claims: new Claims(store, "thing"), things: store.collection<string>("things") };
}

test("of many who want a name at once exactly one gets it", async ({ parts: { claims } }) => {
  const takers = Array.from({ length: 10 }, (_, index) => claims.take(["a", "b"], `holder-${index}`));
  expect((await Promise.all(takers)).filter((taken) => taken)).toHaveLength(1);
});

test("of many who want one whose holder's right is over, too", async ({ parts: { claims, things } }) => {
  await things.put({ id: "old", value: "" });
  await claims.take(["a"], "old");
  await claims.keep(["a"], "old");
  const isOver = async (holderId: string) => holderId === "old";
  expect(await claims.take(["a"], "new")).toBe(false);
  const takers = Array.from({ length: 10 }, (_, index) => claims.take(["a"], `holder-${index}`, isOver));
  expect((await Promise.all(takers)).filter((taken) => taken)).toHaveLength(1);
});

test("one that is only claimed is over for nobody; given back, it is free", async ({ parts: { claims } }) => {
  await claims.take(["a"], "one");
  expect(await claims.take(["a"], "other", async () => true)).toBe(false);
  await claims.release(["a"]);
  expect(await claims.take(["a"], "other")).toBe(true);
});

test("it goes with what has it, and is not kept for what is not there", async ({
  parts: { claims, things },
}) => {
  await things.put({ id: "one", value: "" });
  await claims.take(["a"], "one");
  await claims.keep(["a"], "one");
  await things.take("one");
  expect(await claims.take(["a"], "other")).toBe(true);
  await claims.keep(["a"], "other");
  expect(await claims.take(["a"], "another")).toBe(true);
});

test("names are found by how they begin, in order, and parts are what they are", async ({
  parts: { claims },
}) => {
  const names = [["a", "b"], ["a", "B"], ["a/b", "c"], ["a%2Fb", "c"], ["ab", "c"], ["a"], ["a", "b", "c"]];
  for (const name of names) expect(await claims.take(name, JSON.stringify(name))).toBe(true);
  const under = async (...parts: string[]) => (await claims.under(parts)).map((text) => JSON.parse(text));
  expect(await under("a")).toEqual([
    ["a", "B"],
    ["a", "b"],
    ["a", "b", "c"],
  ]);
  expect(await under("a/b")).toEqual([["a/b", "c"]]);
  expect(await under("a%2Fb")).toEqual([["a%2Fb", "c"]]);
  expect(await under("b")).toEqual([]);
});
