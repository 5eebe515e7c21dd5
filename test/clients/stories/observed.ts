import { expect } from "vitest";
import type { RpcName } from "../client.ts";
import { productionRunner, runnerNotFound, type Story } from "./story.ts";

const create: RpcName = "RunnerService/CreateRunner";
const get: RpcName = "RunnerService/GetRunner";

const metrics = { enabled: true, url: "https://metrics.example.com", username: "me", password: "hush" };

export const observed: Story = {
  title: "a whole session as people see it at the live service",
  mock: { profile: "observed", organizationTier: "core" },
  async tell(teller) {
    const { mock } = teller;
    const phase = (runnerId: string, phase: string) =>
      teller.answers(get, { runnerId }, { runner: { runnerId, status: { phase: `RUNNER_PHASE_${phase}` } } });

    const { runner, accessToken, exchangeToken } = await teller.answers(
      create,
      { ...productionRunner, spec: { desiredPhase: "RUNNER_PHASE_INACTIVE", configuration: { metrics } } },
      {
        runner: { spec: { desiredPhase: "RUNNER_PHASE_ACTIVE" }, status: { phase: "RUNNER_PHASE_CREATED" } },
      },
    );
    const { runnerId } = runner;
    expect([accessToken, runner.spec.configuration.metrics.password]).toEqual([undefined, undefined]);

    // Never deployed, it stays; and so does the one that the organization always has.
    await mock.clock.advance("1h");
    await phase(runnerId, "CREATED");
    const { runners } = await teller.answers("RunnerService/ListRunners", {}, {});
    const kinds = ["RUNNER_KIND_LOCAL_CONFIGURATION", "RUNNER_KIND_REMOTE"];
    expect(runners.map(({ kind }: { kind: string }) => kind).sort()).toEqual(kinds);

    // Deployed, it lives as long as it is heard of.
    const exchanged = await teller.answers("IdentityService/ExchangeToken", { exchangeToken }, {});
    const asRunner = exchanged.accessToken as string;
    await teller.answers(
      "IdentityService/GetAuthenticatedIdentity",
      {},
      { subject: { id: runnerId }, organizationTier: "core" },
      asRunner,
    );
    await phase(runnerId, "ACTIVE");
    await mock.clock.advance("30s");
    await phase(runnerId, "INACTIVE");

    await teller.fails(
      "RunnerService/UpdateRunner",
      { runnerId, spec: { desiredPhase: "RUNNER_PHASE_INACTIVE" } },
      { code: "failed_precondition", message: "this API is deprecated" },
    );
    await teller.fails(
      "EventService/ListAuditLogs",
      {},
      { code: "failed_precondition", message: "feature is only available for enterprise customers" },
    );

    await teller.answers("RunnerService/DeleteRunner", { runnerId }, {});
    await phase(runnerId, "DELETING");
    await mock.clock.advance("2s");
    await teller.fails(get, { runnerId }, runnerNotFound);
  },
};
