import { expect } from "vitest";
import { RunnerKind, RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { test } from "../support/mock.ts";
import { codeOf, productionRunner, register } from "../support/registrations.ts";

test("a runner is found by its id in capitals, also by itself", async ({ mock }) => {
  const { runnerId, accessToken } = await register(mock);
  const capitals = { runnerId: runnerId.toUpperCase() };
  expect((await mock.runner.getRunner(capitals)).runner?.runnerId).toBe(runnerId);
  const itself = mock.client(RunnerService, { bearer: accessToken });
  expect((await itself.getRunner(capitals)).runner?.runnerId).toBe(runnerId);
  expect(await codeOf(mock.runner.deleteRunner(capitals))).toBe("ok");
  expect(await codeOf(mock.runner.getRunner({ runnerId }))).toBe("not_found");
});

test("tokens that were made for an id in capitals are the runner's, and go with it", async ({ mock }) => {
  const { runnerId } = await register(mock);
  const { accessToken } = await mock.runner.createRunnerToken({ runnerId: runnerId.toUpperCase() });
  const itself = mock.client(RunnerService, { bearer: accessToken });
  expect(await codeOf(itself.getRunner({ runnerId }))).toBe("ok");
  await mock.runner.deleteRunner({ runnerId });
  expect(await codeOf(itself.listRunners({}))).toBe("unauthenticated");
});

test("a runner manager in capitals is the same runner manager", async ({ start }) => {
  const mock = await start({ profile: "observed" });
  const managed = (runnerManagerId: string) =>
    mock.runner.createRunner({ name: "Managed", provider: RunnerProvider.MANAGED, runnerManagerId });
  const manager = "7f1d7a4e-7d5a-4c0e-9f0a-1d2c3b4a5f6e";
  await managed(manager);
  expect(await codeOf(managed(manager.toUpperCase()))).toBe("already_exists");
});

test("of many managed runners that one manager registers at once, one is registered", async ({ start }) => {
  const mock = await start({ profile: "observed" });
  const request = {
    name: "Managed",
    provider: RunnerProvider.MANAGED,
    runnerManagerId: "7f1d7a4e-7d5a-4c0e-9f0a-1d2c3b4a5f6e",
  };
  const codes = await Promise.all(
    Array.from({ length: 20 }, () => codeOf(mock.runner.createRunner(request))),
  );
  expect(codes.filter((code) => code === "ok")).toHaveLength(1);
  expect(codes.filter((code) => code === "already_exists")).toHaveLength(19);
});

test.for(["at-once", "deferred"] as const)(
  "no token outlives a deletion that it races with: %s",
  async (deletion, { start }) => {
    const mock = await start({ delete: deletion });
    for (let round = 0; round < 20; round++) {
      const { runnerId, exchangeToken } = await register(mock);
      const exchange = () => mock.identity.exchangeToken({ exchangeToken });
      const [token] = await Promise.all([
        round % 2 === 0 ? exchange() : mock.runner.createRunnerToken({ runnerId }),
        mock.runner.deleteRunner({ runnerId }),
      ]).catch(() => [undefined]);
      if (token === undefined) continue;
      const itself = mock.client(RunnerService, { bearer: token.accessToken });
      expect(await codeOf(itself.listRunners({}))).toBe("unauthenticated");
    }
  },
);

test("a runner of kind LOCAL_CONFIGURATION that validation let through is a runner as others", async ({
  start,
}) => {
  const mock = await start({ validation: "off" });
  const { runner } = await mock.runner.createRunner({ kind: RunnerKind.LOCAL_CONFIGURATION });
  expect(await codeOf(mock.runner.deleteRunner({ runnerId: runner?.runnerId ?? "" }))).toBe("ok");
});

test("the access token in the reply of a renewal is the one that the call bears", async ({ mock }) => {
  const { accessToken } = await register(mock);
  const itself = mock.client(RunnerService, { bearer: accessToken });
  expect((await itself.createRunner(productionRunner)).accessToken).toBe(accessToken);
});

test("a runner that is being deleted gets no more tokens", async ({ start }) => {
  const mock = await start({ delete: "deferred" });
  const { runnerId } = await register(mock);
  await mock.runner.deleteRunner({ runnerId });
  expect(await codeOf(mock.runner.getRunner({ runnerId }))).toBe("ok");
  expect(await codeOf(mock.runner.createRunnerToken({ runnerId }))).toBe("not_found");
});
