import { expect } from "vitest";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { test } from "../support/mock.ts";
import { codeOf, register } from "../support/registrations.ts";

test("a runner is found by its id in capitals, also by itself", async ({ mock }) => {
  const { runnerId, accessToken } = await register(mock);
  const capitals = { runnerId: runnerId.toUpperCase() };
  expect((await mock.runner.getRunner(capitals)).runner?.runnerId).toBe(runnerId);
  const itself = mock.client(RunnerService, { bearer: accessToken });
  expect((await itself.getRunner(capitals)).runner?.runnerId).toBe(runnerId);
  expect(await codeOf(mock.runner.deleteRunner(capitals))).toBe("ok");
  expect(await codeOf(mock.runner.getRunner({ runnerId }))).toBe("not_found");
});

test("a runner that is being deleted gets no more tokens", async ({ start }) => {
  const mock = await start({ delete: "deferred" });
  const { runnerId } = await register(mock);
  await mock.runner.deleteRunner({ runnerId });
  expect(await codeOf(mock.runner.getRunner({ runnerId }))).toBe("ok");
  expect(await codeOf(mock.runner.createRunnerToken({ runnerId }))).toBe("not_found");
});
