/** What Prometheus is told. */
import { expect } from "vitest";
import { EventService } from "../../src/gen/gitpod/v1/event_pb.ts";
import { RunnerPhase, RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { test } from "../support/control.ts";
import { register } from "../support/registrations.ts";

const unknownId = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b";

test("/metrics counts calls by RPC and code, runners by phase, worlds and faults", async ({ mock }) => {
  const { runnerId } = await register(mock);
  await register(mock);
  await mock.runners.report(runnerId, { phase: RunnerPhase.ACTIVE });
  await mock.runner.getRunner({ runnerId: unknownId }).catch(() => {});
  await mock
    .client(RunnerService, { bearer: "rmock_access_x" })
    .listRunners({})
    .catch(() => {});
  await mock.client(RunnerService, { path: "/w/other" }).listRunners({});
  const abort = new AbortController();
  const watch = mock.client(EventService).watchEvents({}, { signal: abort.signal })[Symbol.asyncIterator]();
  const first = watch.next().catch(() => {});
  await mock.calls.waitFor({ rpc: "WatchEvents" });
  await mock.faults.inject({ match: { count: 1 }, effect: { case: "emptyReply", value: {} } });
  await mock.runner.listRunners({});
  abort.abort();
  await first;

  const response = await fetch(`${mock.controlUrl}/metrics`);
  expect(response.headers.get("content-type")).toMatch(/^text\/plain/);
  const lines = (await response.text()).split("\n");
  const calls = (rpc: string, code: string, count: number) =>
    `runner_mock_calls_total{rpc="gitpod.v1.RunnerService/${rpc}",code="${code}"} ${count}`;
  expect(lines).toEqual(
    expect.arrayContaining([
      calls("CreateRunner", "ok", 2),
      calls("GetRunner", "not_found", 1),
      calls("ListRunners", "unauthenticated", 1),
      calls("ListRunners", "ok", 2),
      'runner_mock_call_duration_seconds_count{rpc="gitpod.v1.RunnerService/CreateRunner"} 2',
      "runner_mock_worlds 2",
      'runner_mock_runners{world="default",phase="ACTIVE"} 1',
      'runner_mock_runners{world="default",phase="CREATED"} 1',
      'runner_mock_faults_fired{world="default"} 1',
      'runner_mock_faults_fired{world="other"} 0',
    ]),
  );
});

test("there are none at the API's address", async ({ mock }) => {
  expect((await fetch(`${mock.url}/metrics`)).status).toBe(404);
});
