/**
 * A client that keeps its registration alive, and a test of it: does it renew in time, and does it come back after
 * it was too late? Time is moved, nobody waits.
 */
import { createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { expect, test } from "gitpod-runner-mock/vitest";
import { IdentityService } from "../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerProvider } from "../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerService } from "../src/gen/gitpod/v1/runner_pb.ts";

/** The client under test: it signs a runner up, and any call of it renews the lease. */
class Runner {
  readonly #transport: (bearer: string) => Transport;
  #accessToken = "";

  constructor(baseUrl: string) {
    this.#transport = (bearer) =>
      createConnectTransport({
        baseUrl,
        httpVersion: "1.1",
        interceptors: [
          (next) => (request) => {
            if (bearer !== "") request.header.set("authorization", `Bearer ${bearer}`);
            return next(request);
          },
        ],
      });
  }

  async signUp(exchangeToken: string): Promise<void> {
    const client = createClient(IdentityService, this.#transport(""));
    this.#accessToken = (await client.exchangeToken({ exchangeToken })).accessToken;
  }

  async renew(): Promise<void> {
    await createClient(IdentityService, this.#transport(this.#accessToken)).getAuthenticatedIdentity({});
  }
}

test("a runner that renews every 20 seconds stays; one that pauses for 30 is gone, and comes back", async ({
  runnerMock,
}) => {
  const users = createClient(RunnerService, runnerMock.transport());
  const created = await users.createRunner({ name: "Under test", provider: RunnerProvider.AWS_EC2 });
  const runnerId = created.runner?.runnerId ?? "";
  const runner = new Runner(runnerMock.url);
  await runner.signUp(created.exchangeToken);

  for (let round = 0; round < 10; round++) {
    await runnerMock.clock.advance("20s");
    await runner.renew();
  }
  expect((await users.getRunner({ runnerId })).runner?.name).toBe("Under test");

  await runnerMock.clock.advance("30s");
  await expect(users.getRunner({ runnerId })).rejects.toThrow("runner not found");

  await runner.renew();
  expect((await users.getRunner({ runnerId })).runner?.name).toBe("Under test");
  expect(runnerMock.calls.list({ callerId: runnerId })).toHaveLength(11);
});
