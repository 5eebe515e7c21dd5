import { expect } from "vitest";
import { startMs } from "../../support/mock.ts";
import { productionRunner, runnerNotFound, type Story } from "./story.ts";

const get = "RunnerService/GetRunner";
const whoAmI = "IdentityService/GetAuthenticatedIdentity";

export const lease: Story = {
  title: "a runner registers, renews its lease, lapses, comes back, and is deleted",
  async tell(teller) {
    const { mock } = teller;
    const at = new Date(startMs).toISOString();
    const { subject } = await teller.answers(whoAmI, {}, { subject: { principal: "PRINCIPAL_USER" } });
    const { runner, exchangeToken } = await teller.answers("RunnerService/CreateRunner", productionRunner, {
      runner: {
        ...productionRunner,
        kind: "RUNNER_KIND_REMOTE",
        creator: subject,
        createdAt: at,
        updatedAt: at,
        status: { phase: "RUNNER_PHASE_CREATED", updatedAt: at },
      },
      accessToken: expect.stringMatching(/^rmock_access_/),
      exchangeToken: expect.stringMatching(/^rmock_exchange_/),
    });
    const { runnerId } = runner;
    const phase = (phase: string) =>
      teller.answers(get, { runnerId }, { runner: { runnerId, status: { phase: `RUNNER_PHASE_${phase}` } } });

    await mock.clock.advance("29.999s");
    const { accessToken } = await teller.answers(
      "IdentityService/ExchangeToken",
      { exchangeToken },
      { accessToken: expect.stringMatching(/^rmock_access_/) },
    );
    await teller.fails("IdentityService/ExchangeToken", { exchangeToken }, { code: "unauthenticated" });
    await phase("INACTIVE");
    const renew = () =>
      teller.answers(whoAmI, {}, { subject: { id: runnerId, principal: "PRINCIPAL_RUNNER" } }, accessToken);
    for (let renewals = 0; renewals < 2; renewals++) {
      await mock.clock.advance("29.999s");
      await renew();
    }
    await mock.clock.advance("29.999s");
    await phase("ACTIVE");

    await mock.clock.advance("1ms");
    await teller.fails(get, { runnerId }, runnerNotFound);
    await renew();
    await teller.answers(get, { runnerId }, { runner: { runnerId, createdAt: at } });

    expect(await teller.answers("RunnerService/DeleteRunner", { runnerId }, {})).toEqual({});
    await teller.fails(get, { runnerId }, runnerNotFound);
    await teller.fails(whoAmI, {}, { code: "unauthenticated" }, accessToken);
  },
};
