/**
 * For tests with vitest: a `test` whose fixture `runnerMock` is a world of its own, fresh for each test. One mock
 * serves all tests of a worker, so that a world costs next to nothing.
 *
 * @example
 * import { expect, test } from "gitpod-runner-mock/vitest";
 * test("my client renews its lease", async ({ runnerMock }) => {
 *   const client = new MyClient(runnerMock.url);
 *   await runnerMock.clock.advance("31s");
 * });
 */
import { test as base, expect } from "vitest";
import type { WorldPowers } from "./control/powers.ts";
import type { AdversitySettings } from "./domain/adversity/kind.ts";
import { startRunnerMock } from "./index.ts";
import type { RunnerMockOptions } from "./options.ts";
import type { RunnerMock } from "./server.ts";

export { expect };

export interface RunnerMockFixtures {
  /** The options of the mock that serves the tests of a file: `test.extend({ runnerMockOptions: [{ … }, { scope: "file" }] })`. */
  readonly runnerMockOptions: RunnerMockOptions;
  /** The mock itself, with all its worlds. */
  readonly runnerMockServer: RunnerMock;
  /**
   * The world of this test: give its `url` to the client. It goes after the test, which fails if a call ended with
   * `internal` without an injected fault, or if a stream was left open. A test that fails amid adversity, by an option or
   * started in it, fails with the line as well that has it meet the same again.
   */
  readonly runnerMock: WorldPowers;
}

let worlds = 0;

export const test = base.extend<RunnerMockFixtures>({
  runnerMockOptions: [{}, { scope: "file" }],
  runnerMockServer: [
    async ({ runnerMockOptions }, use) => {
      const mock = await startRunnerMock(runnerMockOptions);
      await use(mock);
      await mock.close();
    },
    { scope: "file" },
  ],
  runnerMock: async ({ runnerMockServer, task }, use) => {
    const name = `test-${++worlds}`;
    const world = await runnerMockServer.worlds.create(name);
    await use(world);
    const problems = world.calls.list().flatMap(({ rpc, error, faultId, duration }) => {
      if (error?.code === "internal" && faultId === "")
        return [`${rpc} ended with internal: ${error.message}`];
      return duration === undefined ? [`${rpc} was left open: end the stream before the test ends`] : [];
    });
    const { settings } = world.adversity;
    if (settings !== undefined && (task.result?.state === "fail" || problems.length > 0))
      problems.push(replayOf(settings));
    await runnerMockServer.worlds.delete(name);
    if (problems.length > 0) throw new Error(problems.join("\n"));
  },
});

/** The line that has a test meet the same again. */
function replayOf({ seed, level, kinds }: AdversitySettings): string {
  return `it met adversity, and meets the same again after: await runnerMock.adversity.start(${JSON.stringify({ seed, level, kinds })});`;
}
