/** Fifty tests at once against one mock, each in a world and a time of its own: none sees another. */
import { createClient } from "@connectrpc/connect";
import { expect, test } from "gitpod-runner-mock/vitest";
import { RunnerProvider } from "../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerService } from "../src/gen/gitpod/v1/runner_pb.ts";

const seconds = Array.from({ length: 50 }, (_, index) => index + 1);

test.concurrent.for(seconds)("a world that is %i seconds ahead", async (ahead, { runnerMock }) => {
  const users = createClient(RunnerService, runnerMock.transport());
  const { runner } = await users.createRunner({ name: `Runner ${ahead}`, provider: RunnerProvider.GCP });
  await runnerMock.clock.advance(`${ahead}s`);
  const { runners } = await users.listRunners({});
  // The lease is 30 seconds long.
  expect(runners.map(({ name }) => name)).toEqual(ahead < 30 ? [`Runner ${ahead}`] : []);
  await runnerMock.runners.renew(runner?.runnerId ?? "");
  expect((await users.listRunners({})).runners).toHaveLength(1);
});
