import { describe, expect } from "vitest";
import { IdentityService } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerPhase } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { failureOf, type TestMock, test } from "../support/mock.ts";

const request = { name: "Production Runner", provider: RunnerProvider.AWS_EC2 };

async function register(mock: TestMock) {
  const { runner, exchangeToken, accessToken } = await mock.runner.createRunner(request);
  return { runnerId: runner?.runnerId ?? "", exchangeToken, accessToken };
}

const stands = async (mock: TestMock, runnerId: string) =>
  (await failureOf(mock.runner.getRunner({ runnerId }))) === "ok";

describe("the lease", () => {
  test.for([
    [29_999, true],
    [30_000, false],
    [30_001, false],
  ] as const)("of a registration: after %i ms it stands: %s", async ([afterMs, standing], { mock }) => {
    const { runnerId } = await register(mock);
    await mock.clock.advance(afterMs);
    expect(await stands(mock, runnerId)).toBe(standing);
  });

  test("is renewed by the exchange of the token, which makes the runner INACTIVE", async ({ mock }) => {
    const { runnerId, exchangeToken } = await register(mock);
    await mock.clock.advance("29.999s");
    await mock.identity.exchangeToken({ exchangeToken });
    await mock.clock.advance("29.999s");
    const { runner } = await mock.runner.getRunner({ runnerId });
    expect(runner?.status?.phase).toBe(RunnerPhase.INACTIVE);
    await mock.clock.advance("1ms");
    expect(await stands(mock, runnerId)).toBe(false);
  });

  test("is renewed by a call with the runner's token, which makes it ACTIVE", async ({ mock }) => {
    const { runnerId, exchangeToken } = await register(mock);
    const { accessToken } = await mock.identity.exchangeToken({ exchangeToken });
    await mock.clock.advance("29.999s");
    const identity = await mock.client(IdentityService, { bearer: accessToken }).getAuthenticatedIdentity({});
    expect(identity.subject?.id).toBe(runnerId);
    await mock.clock.advance("29.999s");
    const { runner } = await mock.runner.getRunner({ runnerId });
    expect(runner?.status?.phase).toBe(RunnerPhase.ACTIVE);
  });
});
