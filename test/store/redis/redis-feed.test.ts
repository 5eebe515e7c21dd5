/** The change feed in a shared engine, on its own: bounds, pages, listeners, and what is lost. */
import { createClient } from "@redis/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ResourceOperation, ResourceType } from "../../../src/gen/gitpod/v1/event_pb.ts";
import type { FeedEntry, FeedPage } from "../../../src/store/feed.ts";
import { redisProgram } from "../../support/redis-server.ts";
import { type OpenedStore, openEngine, type TestEngine } from "./engine.ts";

describe.skipIf(redisProgram === undefined)("a feed in Redis", () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await openEngine();
  });
  afterAll(() => engine.close());

  /** A store to which these have happened, one after another; its feed keeps so many. */
  async function storeOf(maxFeedEntries: number, ids: string) {
    const opened = await engine.open(maxFeedEntries);
    const happen = happeningIn(opened);
    await happen(ids);
    return { ...opened, happen, feed: opened.store.feed };
  }

  function happeningIn({ store }: OpenedStore) {
    const things = store.collection<string>("things", {
      event: (_, after) =>
        after && {
          operation: ResourceOperation.CREATE,
          resourceType: ResourceType.RUNNER,
          resourceId: after.id,
          creatorId: "creator",
          organizationId: "organization",
        },
    });
    return async (ids: string) => {
      for (const id of ids) await things.put({ id, value: "" });
    };
  }

  const page = ({ limit = 100, newestFirst = false, ...more }: Partial<FeedPage> = {}): FeedPage => ({
    limit,
    newestFirst,
    ...more,
  });
  const subjects = (entries: readonly FeedEntry[]) => entries.map(({ resourceId }) => resourceId).join("");

  test.for<[number, string]>([
    [0, ""],
    [3, "cde"],
    [5, "abcde"],
    [6, "abcde"],
  ])("lists the newest %i", async ([maxEntries, kept]) => {
    const { feed } = await storeOf(maxEntries, "abcde");
    expect(subjects(await feed.list(page()))).toBe(kept);
    expect(subjects(await feed.list(page({ newestFirst: true })))).toBe([...kept].reverse().join(""));
  });

  test.for<[string | undefined, number, string, string]>([
    [undefined, 2, "ab", "ed"],
    ["a", 2, "bc", ""],
    ["c", 9, "de", "ba"],
    ["e", 2, "", "dc"],
  ])("after %s, lists up to %i either way", async ([after, limit, ascending, descending]) => {
    const { feed } = await storeOf(10, "abcde");
    const id = (await feed.list(page())).find(({ resourceId }) => resourceId === after)?.id;
    expect(subjects(await feed.list(page({ after: id, limit })))).toBe(ascending);
    expect(subjects(await feed.list(page({ after: id, limit, newestFirst: true })))).toBe(descending);
  });

  test("goes on from an entry that is not kept any more", async () => {
    const { feed, happen } = await storeOf(3, "ab");
    const after = (await feed.list(page()))[0]?.id;
    await happen("cdefg");
    expect(subjects(await feed.list(page({ after })))).toBe("efg");
    expect(subjects(await feed.list(page({ after, newestFirst: true })))).toBe("");
  });

  test("gives its entries ids in their order, also while time stands still", async () => {
    const { feed, clock, happen } = await storeOf(100, "abc");
    await clock.advance("1s");
    await happen("de");
    const ids = (await feed.list(page())).map(({ id }) => id);
    expect(ids.toSorted()).toEqual(ids);
    expect(new Set(ids).size).toBe(5);
  });

  test("tells those who listen, at another store on the same space too, in order and from when they began", async () => {
    const { feed, store, happen, beside } = await storeOf(0, "a");
    const other = beside();
    for (const one of [store, other.store]) await one.refresh(0, 1);
    const heard: string[][] = [[], []];
    const ends = [feed, other.store.feed].map((one, index) =>
      one.subscribe(
        ({ resourceId }) => heard[index]?.push(resourceId),
        () => {},
      ),
    );
    await happen("bc");
    await happeningIn(other)("de");
    for (const ids of heard) await expect.poll(() => ids.join("")).toBe("bcde");
    for (const end of ends) end();
    await happen("f");
    expect(heard.map((ids) => ids.join(""))).toEqual(["bcde", "bcde"]);
  });

  test("tells who comes later nothing of before, however far behind the reading is", async () => {
    const { store, feed, happen } = await storeOf(0, "a");
    const heard: string[][] = [[], []];
    const listen = (index: number) =>
      feed.subscribe(
        ({ resourceId }) => heard[index]?.push(resourceId),
        () => {},
      );
    await store.refresh(0, 0);
    const end = listen(0);
    await store.refresh(0, 1);
    listen(1);
    await happen("b");
    await expect.poll(() => heard.map((ids) => ids.join(""))).toEqual(["ab", "b"]);
    end();
  });

  test("tells those who listen that some are lost, where the engine has them no more", async () => {
    const { store, feed, happen, space } = await storeOf(0, "a");
    await store.refresh(0, 0);
    const client = createClient({ url: engine.url });
    await client.connect();
    await happen("bc");
    await client.xTrim(`${space}:feed`, "MAXLEN", 1);
    client.destroy();
    const lost = new Promise<Error>((resolve) => {
      feed.subscribe(() => {}, resolve);
    });
    expect((await lost).message).toContain("events may have been lost");
  });
});
