/** The API in the same process, without a socket. */
import { createClient } from "@connectrpc/connect";
import { expect } from "vitest";
import { EventService } from "../src/gen/gitpod/v1/event_pb.ts";
import { IdentityService, Principal } from "../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerService } from "../src/gen/gitpod/v1/runner_pb.ts";
import { failureOf, test } from "./support/mock.ts";
import { register } from "./support/registrations.ts";
import { violationsOf } from "./support/violations.ts";

test("calls go through all that calls over the wire go through", async ({ mock }) => {
  const runner = createClient(RunnerService, mock.transport());
  const { runnerId, accessToken } = await register({ runner });
  expect((await mock.runner.getRunner({ runnerId })).runner?.name).toBe("Production Runner");
  expect(await violationsOf(runner.getRunner({ runnerId: "x" }))).toEqual(["runner_id string.uuid"]);
  const itself = createClient(IdentityService, mock.transport({ bearer: accessToken }));
  expect((await itself.getAuthenticatedIdentity({})).subject).toMatchObject({
    id: runnerId,
    principal: Principal.RUNNER,
  });
  const asRunner = createClient(RunnerService, mock.transport({ bearer: accessToken }));
  expect(await failureOf(asRunner.deleteRunner({ runnerId }))).toBe("permission_denied: permission denied");
  await mock.faults.inject({
    match: { rpc: "ListRunners" },
    effect: { case: "error", value: { code: "aborted" } },
  });
  expect(await failureOf(runner.listRunners({}))).toBe("aborted: injected by fault-1");
  expect(mock.calls.list()).toHaveLength(6);
});

test("a world's transport leads to that world", async ({ mock }) => {
  const world = await mock.worlds.create("mine");
  await register({ runner: createClient(RunnerService, world.transport()) });
  expect((await mock.runner.listRunners({})).runners).toEqual([]);
  expect((await mock.client(RunnerService, { path: "/w/mine" }).listRunners({})).runners).toHaveLength(1);
});

test("streams can be watched", async ({ mock }) => {
  const abort = new AbortController();
  const events = createClient(EventService, mock.transport()).watchEvents({}, { signal: abort.signal });
  const first = events[Symbol.asyncIterator]().next();
  await mock.calls.waitFor({ rpc: "WatchEvents" });
  const { runnerId } = await register(mock);
  expect((await first).value?.resourceId).toBe(runnerId);
  abort.abort();
});
