import { expect } from "vitest";
import { productionRunner, type Story } from "./story.ts";

const create = "RunnerService/CreateRunner";

export const watching: Story = {
  title: "a watch hears of a runner's life, in order, and may be left",
  async tell(teller) {
    const { mock } = teller;
    const watch = await teller.watch();
    const { runner, accessToken } = await teller.answers(create, productionRunner, {});
    const { runnerId } = runner;
    await teller.answers("RunnerService/UpdateRunner", { runnerId, name: "Another Name" }, {});
    await mock.clock.advance("30s");
    await teller.answers("IdentityService/GetAuthenticatedIdentity", {}, {}, accessToken);
    await teller.answers("RunnerService/DeleteRunner", { runnerId }, {});
    // Some clients read in pieces, and have the end of an event only when something comes after it.
    await teller.answers(create, productionRunner, {});
    const event = (operation: string) => ({
      operation: `RESOURCE_OPERATION_${operation}`,
      resourceType: "RESOURCE_TYPE_RUNNER",
      resourceId: runnerId,
    });
    expect(await watch.next(5)).toEqual(["CREATE", "UPDATE", "DELETE", "CREATE", "DELETE"].map(event));
    await watch.end();
    await expect
      .poll(() => mock.calls.list({ rpc: "WatchEvents" }).map(({ error }) => error?.code), {
        timeout: 10_000,
      })
      .toEqual(["canceled"]);
  },
};
