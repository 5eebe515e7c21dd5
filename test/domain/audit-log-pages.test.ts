/** ListAuditLogs: order and pages. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect } from "vitest";
import type {
  ListAuditLogsResponse_AuditLogEntry as Entry,
  ListAuditLogsRequestSchema,
} from "../../src/gen/gitpod/v1/event_pb.ts";
import { SortOrder } from "../../src/gen/gitpod/v1/pagination_pb.ts";
import { failureOf, type TestMock, test } from "../support/mock.ts";
import { register } from "../support/registrations.ts";
import { violationsOf } from "../support/violations.ts";
import { eventsOf } from "../support/watching.ts";

type ListInit = MessageInitShape<typeof ListAuditLogsRequestSchema>;

const subjectsOf = (entries: readonly Entry[]) => entries.map(({ subjectId }) => subjectId);

/** Registers so many runners; resolves with their ids in that order. */
async function registerMany(mock: TestMock, count: number): Promise<string[]> {
  const ids: string[] = [];
  while (ids.length < count) ids.push((await register(mock)).runnerId);
  return ids;
}

describe("the order", () => {
  test.for<[string, ListInit["sort"], "newest first" | "oldest first"]>([
    ["nothing", undefined, "newest first"],
    ["an empty sort", {}, "newest first"],
    ["created_at", { field: "created_at" }, "newest first"],
    ["createdAt", { field: "createdAt" }, "newest first"],
    ["DESC", { order: SortOrder.DESC }, "newest first"],
    ["created_at, DESC", { field: "created_at", order: SortOrder.DESC }, "newest first"],
    ["ASC", { order: SortOrder.ASC }, "oldest first"],
    ["created_at, ASC", { field: "created_at", order: SortOrder.ASC }, "oldest first"],
  ])("by %s is the right one", async ([, sort, order], { mock }) => {
    const ids = await registerMany(mock, 3);
    const { entries } = await eventsOf(mock).listAuditLogs(sort === undefined ? {} : { sort });
    expect(subjectsOf(entries)).toEqual(order === "oldest first" ? ids : ids.toReversed());
  });

  test.for(["actor_id", "CREATED_AT", " ", "id"])('by "%s" is refused', async (field, { mock }) => {
    expect(await failureOf(eventsOf(mock).listAuditLogs({ sort: { field } }))).toBe(
      `invalid_argument: cannot sort by "${field}": expected created_at`,
    );
  });
});

describe("pages", () => {
  /** Reads all pages; before each but the first, something else happens. */
  async function pagesOf(
    mock: TestMock,
    {
      pageSize,
      ...request
    }: { pageSize: number; sort?: { order: SortOrder }; filter?: { subjectIds: string[] } },
    between: () => Promise<unknown>,
  ) {
    const events = eventsOf(mock);
    const pages: string[][] = [];
    let token = "";
    do {
      if (token !== "") await between();
      const answer = await events.listAuditLogs({ ...request, pagination: { pageSize, token } });
      pages.push(subjectsOf(answer.entries));
      token = answer.pagination?.nextToken ?? "";
    } while (token !== "");
    return pages;
  }
  const sizesOf = (pages: string[][]) => pages.map(({ length }) => length);

  test.for<[number, number[]]>([
    [0, [25, 25, 10]],
    [100, [60]],
    [60, [60]],
    [59, [59, 1]],
    [20, [20, 20, 20]],
  ])("of %i of sixty entries hold %j", async ([pageSize, sizes], { mock }) => {
    const ids = await registerMany(mock, 60);
    const pages = await pagesOf(mock, { pageSize }, async () => {});
    expect(sizesOf(pages)).toEqual(sizes);
    expect(pages.flat()).toEqual(ids.toReversed());
  });

  test("newest first neither repeat nor skip anything, whatever happens in between", async ({ mock }) => {
    const ids = await registerMany(mock, 10);
    const pages = await pagesOf(mock, { pageSize: 4 }, () => registerMany(mock, 3));
    expect(sizesOf(pages)).toEqual([4, 4, 2]);
    expect(pages.flat()).toEqual(ids.toReversed());
  });

  test("oldest first come to what happens in between, too", async ({ mock }) => {
    const ids = await registerMany(mock, 6);
    const request = { pageSize: 4, sort: { order: SortOrder.ASC } };
    const pages = await pagesOf(mock, request, async () => {
      if (ids.length < 9) ids.push(...(await registerMany(mock, 3)));
    });
    expect(sizesOf(pages)).toEqual([4, 4, 1]);
    expect(pages.flat()).toEqual(ids);
  });

  test("go on with what is kept, where their place is not kept any more", async ({ start }) => {
    const mock = await start({ maxAuditLogEntries: 5 });
    await registerMany(mock, 5);
    const flood: string[] = [];
    const between = async () => {
      if (flood.length === 0) flood.push(...(await registerMany(mock, 20)));
    };
    const pageSize = 2;
    const newestFirst = await pagesOf(mock, { pageSize }, between);
    expect(sizesOf(newestFirst)).toEqual([2, 0]);
    flood.length = 0;
    const oldestFirst = await pagesOf(mock, { pageSize, sort: { order: SortOrder.ASC } }, between);
    expect(oldestFirst.slice(1).flat()).toEqual(flood.slice(-5));
  });

  test("are of those entries that the filter lets pass", async ({ mock }) => {
    const ids = await registerMany(mock, 10);
    for (const runnerId of ids) await mock.runner.updateRunner({ runnerId, name: "Another Name" });
    const subjectIds = ids.slice(0, 5);
    const request = { filter: { subjectIds }, pageSize: 4 };
    const pages = await pagesOf(mock, request, async () => {});
    expect(sizesOf(pages)).toEqual([4, 4, 2]);
    expect(pages.flat()).toEqual([...subjectIds.toReversed(), ...subjectIds.toReversed()]);
  });

  test.for(["x", "MQ==", "019b7ca9-8f2e-7000-8000-000000000001"])(
    'with the token "%s" are refused',
    async (token, { mock }) => {
      expect(await failureOf(eventsOf(mock).listAuditLogs({ pagination: { token } }))).toBe(
        `invalid_argument: invalid pagination token "${token}"`,
      );
    },
  );

  test.for([-1, 101])("of %i are refused", async (pageSize, { mock }) => {
    const [violation] = await violationsOf(eventsOf(mock).listAuditLogs({ pagination: { pageSize } }));
    expect(violation).toMatch(/^pagination\.page_size int32\./);
  });
});
