/** WatchEvents: who hears of what, by scope, caller, organization and world, and how a watch ends. */
import { create } from "@bufbuild/protobuf";
import { describe, expect } from "vitest";
import { Watches } from "../../src/domain/watches.ts";
import {
  ResourceOperation,
  ResourceType,
  WatchEventsRequestSchema,
} from "../../src/gen/gitpod/v1/event_pb.ts";
import { RunnerRole, RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { Feed, FeedEntry } from "../../src/store/feed.ts";
import { failureOf, test } from "../support/mock.ts";
import { elsewhere, identities, usersOf } from "../support/organizations.ts";
import { anybody } from "../support/parts.ts";
import { asRunner, register } from "../support/registrations.ts";
import { eventsOf, firstOf, watching } from "../support/watching.ts";

const { RUNNER } = ResourceType;
const groupId = "5c2e1f0a-9b8d-4e7c-a6f5-00000000000c";
const nobodyId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";

describe("a watch", () => {
  test("of an environment stays open, and silent", async ({ mock }) => {
    const { runnerId } = await register(mock);
    const [silent, other] = [
      await watching(eventsOf(mock), { scope: { case: "environmentId", value: runnerId } }),
      await watching(eventsOf(mock)),
    ];
    await mock.runner.updateRunner({ runnerId, name: "Another Name" });
    await mock.runner.deleteRunner({ runnerId });
    await other.next(2);
    await other.untilNow(mock);
    await mock.close();
    expect([silent.heard, await silent.ended]).toEqual([[], "unavailable: the server is stopping"]);
  });

  test("by a runner's own token hears of that runner alone", async ({ mock }) => {
    const { runnerId, accessToken } = await register(mock);
    const bearer = { bearer: accessToken };
    const watch = await watching(eventsOf(mock, bearer));
    const filtered = await watching(eventsOf(mock, bearer), {
      resourceTypeFilters: [{ resourceType: RUNNER }],
    });
    const another = await register(mock);
    await mock.runner.createRunnerPolicy({ runnerId, groupId, role: RunnerRole.USER });
    await mock.runner.updateRunner({ runnerId, name: "Another Name" });
    await mock.runner.deleteRunner({ runnerId: another.runnerId });
    await mock.clock.advance("30s");
    await asRunner(mock, accessToken).identity.getAuthenticatedIdentity({});
    const expected = ["UPDATE", "DELETE", "CREATE"].map((operation) => `${operation} RUNNER ${runnerId}`);
    for (const each of [watch, filtered]) expect(await each.next(3)).toEqual(expected);
  });

  test("hears nothing of another organization, also if it names what is there", async ({ start }) => {
    const mock = await start({ identities });
    const { alice, bob } = usersOf(mock);
    const there = await register(bob);
    const watch = await watching(alice.events);
    const naming = await watching(alice.events, {
      resourceTypeFilters: [{ resourceType: RUNNER, resourceIds: [there.runnerId] }],
    });
    const heardThere = await watching(bob.events);
    const { organizationId } = await bob.identity.getAuthenticatedIdentity({});
    expect(organizationId).toBe(elsewhere.id);
    await bob.runner.updateRunner({ runnerId: there.runnerId, name: "Another Name" });
    await mock.clock.advance("30s");
    expect(await heardThere.untilNow(bob)).toHaveLength(2);
    expect(await watch.untilNow(alice)).toEqual([]);
    expect(naming.heard).toEqual([]);
  });

  test("hears nothing of another world", async ({ mock }) => {
    const path = "/w/other";
    const other = { runner: mock.client(RunnerService, { path }) };
    const [here, there] = [await watching(eventsOf(mock)), await watching(eventsOf(mock, { path }))];
    const { runnerId } = await register(mock);
    await mock.clock.advance("30s");
    expect(await there.untilNow(other)).toEqual([]);
    expect(await here.untilNow(mock)).toEqual([`CREATE RUNNER ${runnerId}`, `DELETE RUNNER ${runnerId}`]);
  });

  test("hears nothing from before it began, as one that began earlier does", async ({ mock }) => {
    const early = await watching(eventsOf(mock));
    const [first, second] = [await register(mock), await register(mock)];
    await mock.runner.deleteRunner({ runnerId: first.runnerId });
    const late = await watching(eventsOf(mock));
    await mock.runner.deleteRunner({ runnerId: second.runnerId });
    const last = `DELETE RUNNER ${second.runnerId}`;
    expect(await late.next(1)).toEqual([last]);
    expect((await early.next(4)).at(-1)).toBe(last);
  });
});

describe("a watch ends", () => {
  test("with unavailable when the server stops", async ({ mock }) => {
    const watches = [await watching(eventsOf(mock)), await watching(eventsOf(mock, { path: "/w/other" }))];
    await mock.close();
    for (const { ended } of watches) expect(await ended).toBe("unavailable: the server is stopping");
  });

  test("with deadline_exceeded, by the server itself, when its time is up", async ({ mock }) => {
    const headers = { "connect-timeout-ms": "20" };
    expect(await failureOf(firstOf(eventsOf(mock), {}, { headers }))).toMatch(/^deadline_exceeded: /);
    expect(mock.log.filter((line) => line.includes('"code":"deadline_exceeded"'))).toHaveLength(1);
  });

  test("when its client leaves, which is no bug, and is not waited for", async ({ mock }) => {
    const watch = await watching(eventsOf(mock));
    await watch.end();
    await expect
      .poll(() => mock.log.filter((line) => line.includes("WatchEvents")).map((line) => JSON.parse(line)))
      .toMatchObject([{ code: "canceled", reason: "the client went away" }]);
  });

  describe("for good: nothing is kept for it any more", () => {
    const begin = (feed: Feed, { signal }: AbortController) => {
      const events = new Watches(feed, 10).watch(create(WatchEventsRequestSchema), anybody, signal);
      return events[Symbol.asyncIterator]();
    };

    test("when it is aborted, or was before it began", async () => {
      const feed = new CountingFeed();
      const controller = new AbortController();
      const early = begin(feed, controller);
      expect(feed.listeners.size).toBe(1);
      controller.abort();
      const late = begin(feed, controller);
      expect(feed.listeners.size).toBe(0);
      for (const watch of [early, late]) {
        expect(await failureOf(watch.next())).toBe("canceled: the client went away");
      }
    });

    test("when its reader leaves, from the next event on", async () => {
      const feed = new CountingFeed();
      await begin(feed, new AbortController()).return?.();
      feed.tell();
      expect(feed.listeners.size).toBe(0);
    });
  });
});

/** A feed that shows who listens. */
class CountingFeed implements Feed {
  readonly listeners = new Set<(entry: FeedEntry) => void>();

  subscribe(hear: (entry: FeedEntry) => void): () => void {
    this.listeners.add(hear);
    return () => this.listeners.delete(hear);
  }

  tell(): void {
    const entry = {
      id: nobodyId,
      atMs: 0,
      actor: undefined,
      operation: ResourceOperation.CREATE,
      resourceType: RUNNER,
      resourceId: nobodyId,
      creatorId: nobodyId,
      organizationId: anybody.organization.id,
    };
    for (const hear of this.listeners) hear(entry);
  }

  async list(): Promise<FeedEntry[]> {
    return [];
  }
}
