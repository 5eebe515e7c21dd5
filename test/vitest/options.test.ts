/** The fixture with options of a file's own. */
import { createClient } from "@connectrpc/connect";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { test as base, expect } from "../../src/vitest.ts";

const test = base.extend({ runnerMockOptions: [{ profile: "observed" }, { scope: "file" }] });

test("the mock is what its options say", async ({ runnerMock }) => {
  const runner = createClient(RunnerService, runnerMock.transport());
  // The organization's own.
  expect((await runner.listRunners({})).runners).toHaveLength(1);
});
