/** Does a client try again? The official SDK does: a fault fails its call twice, and the third one gets through. */
import Gitpod from "@gitpod/sdk";
import { expect, test } from "gitpod-runner-mock/vitest";

const sdk = (url: string) => new Gitpod({ baseURL: url, bearerToken: "test-token", maxRetries: 2 });

test("a call that fails twice succeeds the third time", async ({ runnerMock }) => {
  // The SDK waits as long as the server asks for.
  const headers = { "retry-after-ms": "1" };
  await runnerMock.faults.inject({
    match: { rpc: "CreateRunner", count: 2 },
    effect: { case: "error", value: { code: "unavailable", message: "come back", headers } },
  });
  const { runner } = await sdk(runnerMock.url).runners.create({
    name: "Patient",
    provider: "RUNNER_PROVIDER_AWS_EC2",
  });
  expect(runner.name).toBe("Patient");
  expect(runnerMock.calls.list({ rpc: "CreateRunner" }).map(({ error }) => error?.code ?? "ok")).toEqual([
    "unavailable",
    "unavailable",
    "ok",
  ]);
});

test("an error that says not to is not tried again", async ({ runnerMock }) => {
  const headers = { "x-should-retry": "false" };
  await runnerMock.faults.inject({
    effect: { case: "error", value: { code: "unavailable", message: "no", headers } },
  });
  await expect(sdk(runnerMock.url).runners.list({})).rejects.toThrow("no");
  expect(runnerMock.calls.list()).toHaveLength(1);
});
