/** The fixture for tests with vitest: what it gives, and what it does not let pass. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createClient } from "@connectrpc/connect";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { expect, test } from "../../src/vitest.ts";
import { register } from "../support/registrations.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

const names = new Set<string>();

test.for([1, 2])("each test has a world of its own: %i", async (_, { runnerMock, runnerMockServer }) => {
  const runner = createClient(RunnerService, runnerMock.transport());
  expect((await runner.listRunners({})).runners).toEqual([]);
  await register({ runner });
  expect(runnerMock.url).toBe(`${runnerMockServer.url}/w/${runnerMock.name}`);
  names.add(runnerMock.name);
});

test("the worlds of tests before are gone", async ({ runnerMock, runnerMockServer }) => {
  expect(names.size).toBe(2);
  expect(runnerMockServer.worlds.list().map(({ name }) => name)).toEqual(["default", runnerMock.name]);
});

test("a test fails that leaves a stream open or meets a bug, and none that does not; amid adversity it says how to meet the same again", async () => {
  const vitest = path("../../node_modules/vitest/vitest.mjs");
  const args = [vitest, "run", "--config", path("failing/vitest.config.ts"), "--reporter=json"];
  const stdout = await new Promise<string>((resolve) => {
    execFile(process.execPath, args, { cwd: path("failing") }, (_error, output) => resolve(output));
  });
  const { testResults } = JSON.parse(stdout.slice(stdout.indexOf("{")));
  interface Result {
    readonly title: string;
    readonly status: string;
    readonly failureMessages: readonly string[];
  }
  const results = testResults
    .flatMap(({ assertionResults }: { assertionResults: Result[] }) => assertionResults)
    .map(({ title, status, failureMessages }: Result) => [
      title,
      status,
      /was left open|this is a bug|await runnerMock.adversity.*/.exec(failureMessages.join())?.[0],
    ]);
  expect(results).toEqual([
    ["leaves a stream open", "failed", "was left open"],
    ["meets a bug", "failed", "this is a bug"],
    ["meets an injected internal error", "passed", undefined],
    ["closes its stream", "passed", undefined],
    [
      "fails amid adversity",
      "failed",
      'await runnerMock.adversity.start({"seed":42,"level":0.2,"kinds":["redirects","short-pages"]});',
    ],
  ]);
}, 30_000);
