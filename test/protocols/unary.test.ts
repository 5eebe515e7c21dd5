/** What unary calls are promised, over every way in which they can be carried. */
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect } from "vitest";
import { RunnerConfigurationService } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { failureOf, test } from "../support/mock.ts";
import { productionRunner, register } from "../support/registrations.ts";
import { deadlineHeader, startFor, ways } from "./matrix.ts";

const unknownId = "00000000-0000-4000-8000-000000000000";

describe.for(ways.map((way) => [way.title, way] as const))("over %s", ([, way]) => {
  test("errors keep their code, their text and their details", async ({ start }) => {
    const mock = await startFor(way, start);
    const users = mock.runner;
    expect(await failureOf(users.getRunner({ runnerId: unknownId }))).toBe("not_found: runner not found");
    expect(await failureOf(users.getRunner({ runnerId: "x" }))).toBe(
      "invalid_argument: runner_id: must be a valid UUID [string.uuid]",
    );
    const error = await users.createRunner({ name: "x" }).catch((cause) => cause);
    expect(error.details).toMatchObject([
      { type: "buf.validate.Violations" },
      { type: "runnermock.v1.Explanation" },
    ]);
    const configuration = mock.client(RunnerConfigurationService);
    expect(await failureOf(configuration.getSCMIntegration({ id: unknownId }))).toBe(
      "not_found: SCM integration not found",
    );
    const stranger = mock.client(RunnerService, { bearer: "rmock_access_unheard-of" });
    expect(await failureOf(stranger.listRunners({}))).toMatch(/^unauthenticated: /);
  });

  test("a world is found by its path and by its header, and the path wins", async ({ start }) => {
    const mock = await startFor(way, start);
    const users = mock.runner;
    const headers = { "runner-mock-world": "by-header" };
    const byPath = ["/w/by-path", "/w/by-path/api"].map((path) => mock.client(RunnerService, { path }));
    await users.createRunner({ ...productionRunner, name: "by header" }, { headers });
    await byPath[0]?.createRunner({ ...productionRunner, name: "by path" }, { headers });
    const names = async (client: typeof users | undefined, options = {}) =>
      (await client?.listRunners({}, options))?.runners.map(({ name }) => name);
    expect(await names(users)).toEqual([]);
    expect(await names(users, { headers })).toEqual(["by header"]);
    for (const client of byPath) expect(await names(client, { headers })).toEqual(["by path"]);
  });

  test("large messages come and go as they were, packed where that was asked for", async ({ start }) => {
    const mock = await startFor(way, start);
    const users = mock.runner;
    const url = `https://metrics.example.com/${"x".repeat(2_000)}`;
    await users.createRunner({ ...productionRunner, spec: { configuration: { metrics: { url } } } });
    let header = new Headers();
    const { runners } = await users.listRunners({}, { onHeader: (received) => (header = received) });
    expect(runners.map(({ spec }) => spec?.configuration?.metrics?.url)).toEqual([url]);
    const packed = header.get("content-encoding") ?? header.get("grpc-encoding") ?? "identity";
    // Asked for by GET, Connect for Node.js takes no packed replies.
    const isPacked = way.isCompressed && !way.title.includes("GET");
    expect(packed).toBe(isPacked ? "gzip" : "identity");
  });

  test("the deadline that a call bears ends it, whatever its client does", async ({ start }) => {
    const mock = await startFor(way, start);
    const users = mock.runner;
    await mock.faults.inject({ match: { rpc: "GetRunner" }, delay: durationFromMs(60_000) });
    const call = users.getRunner({ runnerId: unknownId }, { headers: deadlineHeader(way, 20) });
    expect(await failureOf(call)).toMatch(/^deadline_exceeded: /);
    expect(mock.calls.list()).toMatchObject([{ error: { code: "deadline_exceeded" } }]);
  });

  test("a client that leaves is noticed, and its call ended", async ({ start }) => {
    const mock = await startFor(way, start);
    const users = mock.runner;
    await register(mock);
    await mock.faults.inject({ match: { rpc: "GetRunner", count: 1 }, delay: durationFromMs(60_000) });
    const abort = new AbortController();
    const call = users.getRunner({ runnerId: unknownId }, { signal: abort.signal });
    // It has arrived once it has used the fault up.
    await expect.poll(() => mock.faults.list()).toEqual([]);
    abort.abort();
    expect(await failureOf(call)).toMatch(/^canceled: /);
    await mock.calls.waitFor({ rpc: "GetRunner", code: "canceled" });
    expect((await users.listRunners({})).runners).toHaveLength(1);
  });
});

test("no call needs the header Connect-Protocol-Version", async ({ mock }) => {
  const response = await fetch(`${mock.url}/gitpod.v1.RunnerService/ListRunners`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  expect([response.status, await response.json()]).toEqual([200, { pagination: {} }]);
});
