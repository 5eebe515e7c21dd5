/** Delta debugging finds what matters, whatever that is, and nothing else. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { smallest } from "../../src/campaign/smallest.ts";

test("what fails together is found among what does not matter, whichever it is", async () => {
  const items = fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 13 });
  const cases = items.chain((all) => fc.tuple(fc.constant(all), fc.subarray(all, { minLength: 1 })));
  await fc.assert(
    fc.asyncProperty(cases, async ([all, needed]) => {
      const found = await smallest(all, async (part) => needed.every((item) => part.includes(item)));
      expect(found).toEqual(needed);
    }),
  );
});

test("of several sets that fail on their own one is found", async () => {
  const found = await smallest([1, 2, 3, 4, 5, 6], async (part) => part.includes(2) || part.includes(5));
  expect([[2], [5]]).toContainEqual(found);
});

test("one of many takes few tries", async () => {
  const all = Array.from({ length: 64 }, (_, index) => index);
  let tries = 0;
  await smallest(all, async (part) => {
    tries++;
    return part.includes(37);
  });
  expect(tries).toBeLessThan(16);
});
