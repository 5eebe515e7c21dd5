/**
 * One mock for all tests of a file whose tests do not get in each other's way: each looks only at runners, or at
 * a world, of its own.
 */
import { expect } from "vitest";
import type { RunnerMockOptions } from "../../src/options.ts";
import { test as base, bugsIn, openMock, type TestMock } from "./mock.ts";

export const test = base.extend<{ sharedOptions: RunnerMockOptions; shared: TestMock }>({
  sharedOptions: [{}, { scope: "file" }],
  /** One mock for the whole file. Its time only ever moves on. */
  shared: [
    async ({ sharedOptions }, use) => {
      const mock = await openMock(sharedOptions);
      await use(mock);
      await mock.close();
      expect(bugsIn(mock)).toEqual([]);
    },
    { scope: "file" },
  ],
});

/** The same, for a mock with options of its own. */
export const sharing = (options: RunnerMockOptions) =>
  test.extend({ sharedOptions: [options, { scope: "file" }] });
