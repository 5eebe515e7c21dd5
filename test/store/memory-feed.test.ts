/** The change feed in memory, on its own: order, bounds, pages, listeners. */
import { beforeEach, describe, expect, test } from "vitest";
import { WorldClock } from "../../src/clock.ts";
import { ResourceOperation, ResourceType } from "../../src/gen/gitpod/v1/event_pb.ts";
import { createIds } from "../../src/ids.ts";
import type { FeedEntry, FeedPage, ResourceEvent } from "../../src/store/feed.ts";
import { MemoryFeed } from "../../src/store/memory-feed.ts";
import { countingRandom, stillTime } from "../support/mock.ts";
import { anybody } from "../support/parts.ts";

let clock: WorldClock;
beforeEach(() => {
  clock = new WorldClock(stillTime);
});

const event = (resourceId: string): ResourceEvent => ({
  operation: ResourceOperation.CREATE,
  resourceType: ResourceType.RUNNER,
  resourceId,
  creatorId: "creator",
  organizationId: "organization",
});

describe("a feed", () => {
  /** A feed to which these have happened. */
  function feedOf(maxEntries: number, ...resourceIds: string[]) {
    const feed = new MemoryFeed(createIds(clock, countingRandom()), maxEntries);
    for (const id of resourceIds) feed.append(event(id), clock.nowMs(), undefined);
    return feed;
  }
  const page = async (
    feed: MemoryFeed,
    { limit = 100, newestFirst = false, ...more }: Partial<FeedPage> = {},
  ) => feed.list({ limit, newestFirst, ...more });
  const subjects = (entries: readonly FeedEntry[]) => entries.map(({ resourceId }) => resourceId).join("");

  test("keeps what happened, when, and who did it, with an id greater than the one before", async () => {
    const feed = feedOf(10);
    feed.append(event("a"), 1, anybody.subject);
    await clock.advance("1s");
    feed.append(event("b"), 2, undefined);
    feed.append(event("c"), 2, undefined);
    const entries = await page(feed);
    expect(entries).toMatchObject([
      { ...event("a"), atMs: 1, actor: anybody.subject },
      { ...event("b"), atMs: 2, actor: undefined },
      { ...event("c"), atMs: 2 },
    ]);
    const ids = entries.map(({ id }) => id);
    expect(new Set(ids).size).toBe(3);
    expect(ids.toSorted()).toEqual(ids);
  });

  test.for<[number, string]>([
    [0, ""],
    [1, "j"],
    [3, "hij"],
    [5, "fghij"],
    [9, "bcdefghij"],
    [10, "abcdefghij"],
    [11, "abcdefghij"],
  ])("keeps the newest %i", async ([maxEntries, kept]) => {
    const feed = feedOf(maxEntries, ..."abcdefghij");
    expect(subjects(await page(feed))).toBe(kept);
    expect(subjects(await page(feed, { newestFirst: true }))).toBe([...kept].reverse().join(""));
    expect(subjects(await page(feed, { newestFirst: true, limit: 2 }))).toBe(
      [...kept].reverse().slice(0, 2).join(""),
    );
  });

  test("keeps the newest at any time, as it goes on", async () => {
    const feed = feedOf(3);
    let happened = "";
    for (const id of "abcdefghijklmnopqrstuvwxyz") {
      feed.append(event(id), 0, undefined);
      happened += id;
      expect(subjects(await page(feed))).toBe(happened.slice(-3));
    }
  });

  test.for<[string | undefined, number, string, string]>([
    [undefined, 2, "ab", "ed"],
    [undefined, 5, "abcde", "edcba"],
    [undefined, 9, "abcde", "edcba"],
    ["a", 2, "bc", ""],
    ["b", 2, "cd", "a"],
    ["c", 9, "de", "ba"],
    ["d", 2, "e", "cb"],
    ["e", 2, "", "dc"],
  ])("after %s, lists up to %i either way", async ([after, limit, ascending, descending]) => {
    const feed = feedOf(10, ..."abcde");
    const id = (await page(feed)).find(({ resourceId }) => resourceId === after)?.id;
    expect(subjects(await page(feed, { after: id, limit }))).toBe(ascending);
    expect(subjects(await page(feed, { after: id, limit, newestFirst: true }))).toBe(descending);
  });

  test("goes on from an entry that is not kept any more", async () => {
    const feed = feedOf(3, ..."ab");
    const after = (await page(feed))[0]?.id;
    for (const id of "cdefg") feed.append(event(id), 0, undefined);
    expect(subjects(await page(feed, { after }))).toBe("efg");
    expect(subjects(await page(feed, { after, newestFirst: true }))).toBe("");
  });

  test("tells all who listen, in order, from when they began until they end it", () => {
    const feed = feedOf(0, "a");
    const [one, other]: [string[], string[]] = [[], []];
    const end = feed.subscribe(({ resourceId }) => one.push(resourceId));
    feed.append(event("b"), 0, undefined);
    const endOther = feed.subscribe(({ resourceId }) => other.push(resourceId));
    feed.append(event("c"), 0, undefined);
    end();
    end();
    feed.append(event("d"), 0, undefined);
    endOther();
    feed.append(event("e"), 0, undefined);
    expect([one.join(""), other.join("")]).toEqual(["bc", "cd"]);
  });

  test("goes on telling the others where one ends it while it is told", () => {
    const feed = feedOf(0);
    const heard: string[] = [];
    const end = feed.subscribe(() => end());
    feed.subscribe(({ resourceId }) => heard.push(resourceId));
    for (const id of "ab") feed.append(event(id), 0, undefined);
    expect(heard.join("")).toBe("ab");
  });
});
