/** What a stream is promised, over every way in which it can be carried: it begins, it refuses, it is left, it ends. */
import { describe, expect } from "vitest";
import { EventService, ResourceType } from "../../src/gen/gitpod/v1/event_pb.ts";
import { failureOf, test } from "../support/mock.ts";
import { callOutcome, register } from "../support/registrations.ts";
import { violationsOf } from "../support/violations.ts";
import { firstOf, watching } from "../support/watching.ts";
import { deadlineHeader, startFor, ways } from "./matrix.ts";

const environmentId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";

describe.for(ways.map((way) => [way.title, way] as const))("over %s", ([, way]) => {
  test("a runner's life is heard, from the headers of the watch on", async ({ start }) => {
    const mock = await startFor(way, start);
    const watch = await watching(mock.client(EventService));
    expect(watch.header.get("content-type")).toBe(way.contentType);
    expect(watch.heard).toEqual([]);
    const { runnerId, accessToken } = await register(mock);
    expect(await watch.next(1)).toEqual([`CREATE RUNNER ${runnerId}`]);
    await mock.runner.updateRunner({ runnerId, name: "Another Name" });
    expect(await watch.next(1)).toEqual([`UPDATE RUNNER ${runnerId}`]);
    await mock.clock.advance("29.999s");
    await mock.clock.advance(1);
    expect(await watch.next(1)).toEqual([`DELETE RUNNER ${runnerId}`]);
    expect(await callOutcome(mock, accessToken)).toBe("ok");
    await mock.runner.deleteRunner({ runnerId });
    expect(await watch.next(2)).toEqual([`CREATE RUNNER ${runnerId}`, `DELETE RUNNER ${runnerId}`]);
  });

  test("a request is heeded, and a refused one is told why", async ({ start }) => {
    const mock = await startFor(way, start);
    const events = mock.client(EventService);
    const resourceTypeFilters = [{ resourceType: ResourceType.ROLE_ASSIGNMENT }];
    const scope = { case: "environmentId", value: environmentId } as const;
    expect(await violationsOf(firstOf(events, { scope, resourceTypeFilters }))).toEqual([
      "events.filters_with_environment",
    ]);
    expect(await failureOf(firstOf(events, { scope, resourceTypeFilters }))).toBe(
      "invalid_argument: resource_type_filters cannot be combined with environment_id [events.filters_with_environment]",
    );
    const stranger = mock.client(EventService, { bearer: "rmock_access_unheard-of" });
    expect(await failureOf(firstOf(stranger))).toMatch(/^unauthenticated: invalid bearer token/);
  });

  test("a client that leaves is let go, and others go on", async ({ start }) => {
    const mock = await startFor(way, start);
    const events = mock.client(EventService);
    const [leaving, staying] = [await watching(events), await watching(events)];
    await register(mock);
    await leaving.next(1);
    await leaving.end();
    const left = () => mock.log.map((line) => JSON.parse(line)).filter(({ code }) => code === "canceled");
    await expect.poll(left).toMatchObject([{ rpc: "gitpod.v1.EventService/WatchEvents" }]);
    await staying.next(1);
    const { runnerId } = await register(mock);
    expect(await staying.next(1)).toEqual([`CREATE RUNNER ${runnerId}`]);
  });

  test("the deadline that a call bears ends it, whatever its client does", async ({ start }) => {
    const mock = await startFor(way, start);
    const headers = deadlineHeader(way, 20);
    const watch = await watching(mock.client(EventService), {}, { headers });
    expect(await watch.ended).toMatch(/^deadline_exceeded: /);
    expect(mock.calls.list()).toMatchObject([{ error: { code: "deadline_exceeded" } }]);
  });

  test("it ends with unavailable when the server stops", async ({ start }) => {
    const mock = await startFor(way, start);
    const watch = await watching(mock.client(EventService));
    await mock.close();
    expect(await watch.ended).toBe("unavailable: the server is stopping");
  });
});
