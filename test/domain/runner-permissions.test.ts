/** What a runner's own access token shows it of itself, and of others. */
import { describe, expect } from "vitest";
import { RunnerKind, RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { asRunner, idOf, register } from "../support/registrations.ts";
import { test } from "../support/shared-mock.ts";

const unknownId = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b";

describe("a runner", () => {
  test("may name itself in capitals", async ({ shared }) => {
    const { runnerId, accessToken } = await register(shared);
    const { runner } = await asRunner(shared, accessToken).runner.getRunner({
      runnerId: runnerId.toUpperCase(),
    });
    expect(idOf(runner)).toBe(runnerId);
  });

  test("learns no more of another than of none: the refusals are the same", async ({ shared }) => {
    const [me, other] = [await register(shared), await register(shared)];
    const { runner } = asRunner(shared, me.accessToken);
    const errorOf = (runnerId: string) => runner.getRunner({ runnerId }).catch(({ message }) => message);
    expect(await errorOf(other.runnerId)).toBe(await errorOf(unknownId));
    expect(await errorOf(unknownId)).toContain("permission denied");
  });

  test("may make itself a token that works", async ({ shared }) => {
    const { runnerId, accessToken } = await register(shared);
    const { exchangeToken } = await asRunner(shared, accessToken).runner.createRunnerToken({ runnerId });
    const exchanged = await shared.identity.exchangeToken({ exchangeToken });
    const { subject } = await asRunner(shared, exchanged.accessToken).identity.getAuthenticatedIdentity({});
    expect(subject?.id).toBe(runnerId);
  });

  test("is not in the way of users: they see it and all others", async ({ shared }) => {
    const world = { runner: shared.client(RunnerService, { path: "/w/users-see-all" }) };
    const registered = [await register(world), await register(world)];
    const { runners } = await world.runner.listRunners({});
    expect(runners.map(idOf)).toEqual(registered.map(({ runnerId }) => runnerId));
  });
});

describe("ListRunners by a runner", () => {
  test.for<[string, { kinds?: RunnerKind[]; providers?: RunnerProvider[] }, boolean]>([
    ["no filter", {}, true],
    ["a filter that it meets", { providers: [RunnerProvider.GCP, RunnerProvider.AWS_EC2] }, true],
    ["a filter that only others meet", { providers: [RunnerProvider.LINUX_HOST] }, false],
    [
      "a filter of which it meets half",
      { providers: [RunnerProvider.AWS_EC2], kinds: [RunnerKind.LOCAL] },
      false,
    ],
  ])("with %s shows itself or nothing", async ([, filter, shown], { shared }) => {
    await register(shared, { name: "Before", provider: RunnerProvider.LINUX_HOST });
    const me = await register(shared);
    await register(shared, { name: "After", provider: RunnerProvider.LINUX_HOST });
    const { runners, pagination } = await asRunner(shared, me.accessToken).runner.listRunners({ filter });
    expect(runners.map(idOf)).toEqual(shown ? [me.runnerId] : []);
    expect(pagination?.nextToken).toBe("");
  });

  test("shows itself on the first page, however small, and nothing after it", async ({ shared }) => {
    const path = "/w/runner-pages";
    const world = { runner: shared.client(RunnerService, { path }) };
    const registered = [await register(world), await register(world), await register(world)];
    const me = registered[1];
    const myself = shared.client(RunnerService, { path, bearer: me?.accessToken ?? "" });
    const firstPage = await myself.listRunners({ pagination: { pageSize: 1 } });
    expect(firstPage.runners.map(idOf)).toEqual([me?.runnerId]);
    expect(firstPage.pagination?.nextToken).toBe("");

    // The tokens of a user's pages, which end with the runner before it, itself and the one after it.
    const shown: string[][] = [];
    for (const pageSize of [1, 2]) {
      const { pagination } = await world.runner.listRunners({ pagination: { pageSize } });
      const page = await myself.listRunners({
        pagination: { pageSize: 2, token: pagination?.nextToken ?? "" },
      });
      shown.push(page.runners.map(idOf));
    }
    expect(shown).toEqual([[me?.runnerId], []]);
  });
});
