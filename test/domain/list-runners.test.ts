/** ListRunners: order, pages, filters. Each test lists a world of its own. */
import { describe, expect } from "vitest";
import { RunnerKind, RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { failureOf, type TestMock } from "../support/mock.ts";
import { post, rpc } from "../support/post.ts";
import { idOf, type RunnerClient, register } from "../support/registrations.ts";
import { test } from "../support/shared-mock.ts";
import { violationsOf } from "../support/violations.ts";

interface ListedWorld {
  readonly path: string;
  readonly runner: RunnerClient;
  /** The ids of its runners as they were created. */
  readonly ids: string[];
}

let worlds = 0;

async function worldOf(mock: TestMock, size: number): Promise<ListedWorld> {
  const path = `/w/list-${++worlds}`;
  const world = { path, runner: mock.client(RunnerService, { path }), ids: [] as string[] };
  for (let i = 0; i < size; i++) world.ids.push((await register(world)).runnerId);
  return world;
}

async function page(
  { runner }: { runner: RunnerClient },
  pagination?: { pageSize?: number; token?: string },
) {
  const answer = await runner.listRunners(pagination ? { pagination } : {});
  return { ids: answer.runners.map(idOf), nextToken: answer.pagination?.nextToken ?? "missing" };
}

/** All pages, from the first to the one without a next. */
async function walk(world: { runner: RunnerClient }, pageSize: number): Promise<string[][]> {
  const pages: string[][] = [];
  for (let token = ""; ; ) {
    const { ids, nextToken } = await page(world, { pageSize, token });
    pages.push(ids);
    if (nextToken === "") return pages;
    if (pages.length > 1000) throw new Error("the pages do not end");
    token = nextToken;
  }
}

describe("the pages of ListRunners", () => {
  test("hold the runners in ascending order of their ids, which is that of their creation", async ({
    shared,
  }) => {
    const world = await worldOf(shared, 7);
    expect((await page(world)).ids).toEqual(world.ids);
    expect(world.ids).toEqual(world.ids.toSorted());
  });

  test("of no runners are one empty page", async ({ shared }) => {
    const world = await worldOf(shared, 0);
    expect(await page(world)).toEqual({ ids: [], nextToken: "" });
  });

  test("hold 25 unless asked otherwise, and at most 100", async ({ shared }) => {
    const world = await worldOf(shared, 102);
    const sizes = async (pagination?: { pageSize?: number }) => (await page(world, pagination)).ids.length;
    expect(await sizes()).toBe(25);
    expect(await sizes({})).toBe(25);
    expect(await sizes({ pageSize: 0 })).toBe(25);
    expect(await sizes({ pageSize: 1 })).toBe(1);
    expect(await sizes({ pageSize: 99 })).toBe(99);
    expect(await sizes({ pageSize: 100 })).toBe(100);
    expect((await walk(world, 100)).map(({ length }) => length)).toEqual([100, 2]);
    expect((await walk(world, 0)).flat()).toEqual(world.ids);
  });

  test.for([-1, 101, 2_147_483_647, -2_147_483_648])("cannot hold %i", async (pageSize, { shared }) => {
    const call = shared.runner.listRunners({ pagination: { pageSize } });
    expect(await violationsOf(call)).toEqual(["pagination.page_size int32.gte_lte"]);
  });

  test.for([
    [6, 1, [1, 1, 1, 1, 1, 1]],
    [6, 2, [2, 2, 2]],
    [6, 4, [4, 2]],
    [6, 5, [5, 1]],
    [6, 6, [6]],
    [6, 7, [6]],
    [25, 0, [25]],
    [26, 0, [25, 1]],
  ] as const)(
    "of %i runners, %i on each: %j, the last without a next",
    async ([size, pageSize, lengths], { shared }) => {
      const world = await worldOf(shared, size);
      const pages = await walk(world, pageSize);
      expect(pages.map(({ length }) => length)).toEqual(lengths);
      expect(pages.flat()).toEqual(world.ids);
    },
  );

  test("neither repeat nor skip what stays, while runners come and go between them", async ({ shared }) => {
    const world = await worldOf(shared, 12);
    const gone = new Set<string>();
    const remove = async (...indices: number[]) => {
      for (const runnerId of indices.map((index) => world.ids[index] ?? "")) {
        await world.runner.deleteRunner({ runnerId });
        gone.add(runnerId);
      }
    };
    const seen: string[] = [];
    let token = "";
    const next = async () => {
      const { ids, nextToken } = await page(world, { pageSize: 3, token });
      seen.push(...ids);
      token = nextToken;
    };

    await next();
    // The one that the page ended with, the first of the next page, one seen and one far ahead.
    await remove(2, 3, 0, 9);
    await next();
    world.ids.push((await register(world)).runnerId);
    await remove(5, 6);
    while (token !== "") await next();

    expect(seen).toEqual([...new Set(seen)]);
    const stayed = world.ids.filter((id) => !gone.has(id));
    expect(seen.filter((id) => !gone.has(id))).toEqual(stayed);
  });

  test("can be read again with the same token", async ({ shared }) => {
    const world = await worldOf(shared, 5);
    const { nextToken } = await page(world, { pageSize: 2 });
    const second = await page(world, { pageSize: 2, token: nextToken });
    expect(await page(world, { pageSize: 2, token: nextToken })).toEqual(second);
    expect(await page(world, { pageSize: 1, token: nextToken })).toMatchObject({
      ids: world.ids.slice(2, 3),
    });
  });

  test("leave out what has lapsed, and a page that ends there goes on behind it", async ({ start }) => {
    const mock = await start();
    const ids: string[] = [];
    for (let i = 0; i < 3; i++) ids.push((await register(mock)).runnerId);
    const { nextToken } = await page(mock, { pageSize: 2 });
    await mock.clock.advance("29s");
    for (let i = 0; i < 2; i++) ids.push((await register(mock)).runnerId);
    await mock.clock.advance("1s");
    expect(await page(mock, { token: nextToken })).toEqual({ ids: ids.slice(3), nextToken: "" });
  });
});

describe("a page token", () => {
  test.for([
    ["too short", "x"],
    ["spaces", "  "],
    ["base64 of nothing of ours", "aGVsbG8gd29ybGQ"],
    ["base64 of an id", Buffer.from("0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b").toString("base64url")],
    ["an id", "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b"],
    ["no base64 at all", "🏃"],
    ["quotes", '"'],
    ["a number", "25"],
  ] as const)("that is none is refused: %s", async ([, token], { shared }) => {
    const call = shared.runner.listRunners({ pagination: { token } });
    expect(await failureOf(call)).toBe(`invalid_argument: invalid pagination token ${JSON.stringify(token)}`);
  });

  test("that was cut, or had something added, is refused", async ({ shared }) => {
    const world = await worldOf(shared, 2);
    const { nextToken } = await page(world, { pageSize: 1 });
    const spoilt = [
      nextToken.slice(0, -1),
      nextToken.slice(1),
      ...["A", "=", "==", " ", "\n", "-", "x".repeat(100)].map((more) => nextToken + more),
      ` ${nextToken}`,
      nextToken + nextToken,
      nextToken.toUpperCase(),
    ];
    expect(await acceptedOf(world, spoilt)).toEqual([]);
  });

  test("of which one character was changed is refused", async ({ shared }) => {
    const world = await worldOf(shared, 2);
    const { nextToken } = await page(world, { pageSize: 1 });
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const spoilt = [...nextToken].map((character, index) => {
      // The smallest of changes: its neighbour in the alphabet.
      const other = alphabet[alphabet.indexOf(character) ^ 1];
      return nextToken.slice(0, index) + other + nextToken.slice(index + 1);
    });
    expect(await acceptedOf(world, spoilt)).toEqual([]);
  });

  /** Which of these tokens are not refused. */
  async function acceptedOf({ runner }: ListedWorld, tokens: string[]): Promise<string[]> {
    const accepted: string[] = [];
    for (const token of tokens) {
      const outcome = await failureOf(runner.listRunners({ pagination: { token } }));
      const refused = `invalid_argument: invalid pagination token ${JSON.stringify(token)}`;
      if (outcome !== refused) accepted.push(`${token}: ${outcome}`);
    }
    return accepted;
  }
});

describe("the query of a POST, in which the generated SDKs ask for the next page", () => {
  const list = async (mock: TestMock, { path }: ListedWorld, query: string, body: unknown) => {
    const { status, body: answer } = await post(`${mock.url}${path}${rpc.listRunners}${query}`, body);
    const ids = (answer.runners ?? []).map(({ runnerId }: { runnerId: string }) => runnerId);
    return { status, ids, nextToken: answer.pagination?.nextToken ?? "", text: answer.message };
  };

  test("names the page with token and pageSize", async ({ shared }) => {
    const world = await worldOf(shared, 5);
    const first = await list(shared, world, "?pageSize=2", {});
    expect(first.ids).toEqual(world.ids.slice(0, 2));
    const second = await list(shared, world, `?token=${first.nextToken}&pageSize=2`, {});
    expect(second.ids).toEqual(world.ids.slice(2, 4));
    const third = await list(shared, world, `?pageSize=2&token=${second.nextToken}`, {});
    expect(third).toMatchObject({ ids: world.ids.slice(4), nextToken: "" });
    expect((await list(shared, world, `?token=${first.nextToken}`, {})).ids).toEqual(world.ids.slice(2));
  });

  test("beats the body, each of the two for itself", async ({ shared }) => {
    const world = await worldOf(shared, 5);
    const { nextToken: token } = await page(world, { pageSize: 1 });
    const { nextToken: later } = await page(world, { pageSize: 3 });
    const body = { pagination: { pageSize: 2, token } };
    expect((await list(shared, world, "", body)).ids).toEqual(world.ids.slice(1, 3));
    expect((await list(shared, world, `?token=${later}`, body)).ids).toEqual(world.ids.slice(3, 5));
    expect((await list(shared, world, "?pageSize=3", body)).ids).toEqual(world.ids.slice(1, 4));
    expect((await list(shared, world, `?token=${later}&pageSize=1`, body)).ids).toEqual(
      world.ids.slice(3, 4),
    );
    // A bad value in the body is beaten as well.
    const bad = { pagination: { pageSize: 1000, token: "x" } };
    expect((await list(shared, world, `?token=${later}&pageSize=1`, bad)).ids).toEqual(world.ids.slice(3, 4));
  });

  test("leaves the filter of the body as it is", async ({ shared }) => {
    const world = await worldOf(shared, 2);
    const gcp = { name: "Runner", provider: RunnerProvider.GCP };
    const ids = [(await register(world, gcp)).runnerId, (await register(world, gcp)).runnerId];
    const body = { filter: { providers: ["RUNNER_PROVIDER_GCP"] } };
    const first = await list(shared, world, "?pageSize=1", body);
    expect(first.ids).toEqual(ids.slice(0, 1));
    expect((await list(shared, world, `?pageSize=1&token=${first.nextToken}`, body)).ids).toEqual(
      ids.slice(1),
    );
  });

  test.for(["x", "-1", "101", "1.5", "1e1", "", " 5", "99999999999999999999", "0x10", "NaN", "５"])(
    "is refused with the page size %j",
    async (pageSize, { shared }) => {
      const query = `?pageSize=${encodeURIComponent(pageSize)}`;
      expect(await post(shared.url + rpc.listRunners + query, {})).toMatchObject({
        status: 400,
        body: { code: "invalid_argument" },
      });
    },
  );

  test.for(["x", "aGVsbG8gd29ybGQ", "%F0%9F%8F%83", "a%20b"])(
    "is refused with the token %s",
    async (token, { shared }) => {
      expect(await post(`${shared.url}${rpc.listRunners}?token=${token}`, {})).toMatchObject({
        status: 400,
        body: {
          code: "invalid_argument",
          message: `invalid pagination token ${JSON.stringify(decodeURIComponent(token))}`,
        },
      });
    },
  );

  test("means nothing to other RPCs, and other names in it mean nothing", async ({ shared }) => {
    const world = await worldOf(shared, 3);
    const { runnerId } = await register(shared);
    const answer = await post(`${shared.url}${rpc.getRunner}?token=x&pageSize=x`, { runnerId });
    expect(answer.status).toBe(200);
    expect((await list(shared, world, "?page=2&limit=1&Token=x", {})).ids).toEqual(world.ids);
  });
});

describe("the filter of ListRunners", () => {
  const { AWS_EC2, GCP, LINUX_HOST, DESKTOP_MAC, DEV_AGENT } = RunnerProvider;
  const unknownId = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b";

  test("is or within one of its lists, and and across them; an empty list accepts all", async ({ start }) => {
    const mock = await start({ token: { alice: "alice-token", bob: "bob-token" } });
    const [alice, bob] = ["alice-token", "bob-token"].map((bearer) => mock.client(RunnerService, { bearer }));
    const named = new Map<string, string>();
    const creators: string[] = [];
    for (const [owner, client] of [
      ["alice", alice],
      ["bob", bob],
    ] as const) {
      for (const provider of [AWS_EC2, GCP, LINUX_HOST]) {
        const answer = await client?.createRunner({ name: "Runner", provider });
        named.set(idOf(answer?.runner), `${owner} ${RunnerProvider[provider]}`);
        creators.push(answer?.runner?.creator?.id ?? "");
      }
    }
    const [aliceId = "", , , bobId = ""] = creators;
    const listed = async (filter: object) => {
      const { runners } = await mock.runner.listRunners({ filter });
      return runners.map((runner) => named.get(idOf(runner)));
    };

    const everyone = [...named.values()];
    const ofAlice = everyone.slice(0, 3);
    expect(await listed({})).toEqual(everyone);
    expect(await listed({ creatorIds: [], kinds: [], providers: [] })).toEqual(everyone);
    expect(await listed({ creatorIds: [aliceId] })).toEqual(ofAlice);
    expect(await listed({ creatorIds: [bobId, aliceId] })).toEqual(everyone);
    expect(await listed({ creatorIds: [aliceId, unknownId, aliceId] })).toEqual(ofAlice);
    expect(await listed({ creatorIds: [unknownId] })).toEqual([]);
    expect(await listed({ providers: [GCP] })).toEqual(["alice GCP", "bob GCP"]);
    expect(await listed({ providers: [GCP, LINUX_HOST, DEV_AGENT] })).toEqual([
      "alice GCP",
      "alice LINUX_HOST",
      "bob GCP",
      "bob LINUX_HOST",
    ]);
    expect(await listed({ kinds: [RunnerKind.LOCAL] })).toEqual(["alice LINUX_HOST", "bob LINUX_HOST"]);
    expect(
      await listed({ kinds: [RunnerKind.LOCAL], providers: [GCP, LINUX_HOST], creatorIds: [bobId] }),
    ).toEqual(["bob LINUX_HOST"]);
    expect(await listed({ kinds: [RunnerKind.LOCAL], providers: [GCP, DESKTOP_MAC] })).toEqual([]);
  });

  test("is applied before the pages are cut", async ({ shared }) => {
    const world = await worldOf(shared, 0);
    const local: string[] = [];
    for (let i = 0; i < 12; i++) {
      const { runnerId } = await register(world, {
        name: "Runner",
        provider: i % 3 === 2 ? LINUX_HOST : GCP,
      });
      if (i % 3 === 2) local.push(runnerId);
    }
    const filter = { kinds: [RunnerKind.LOCAL] };
    const first = await world.runner.listRunners({ filter, pagination: { pageSize: 3 } });
    expect(first.runners.map(idOf)).toEqual(local.slice(0, 3));
    const token = first.pagination?.nextToken ?? "";
    const second = await world.runner.listRunners({ filter, pagination: { pageSize: 3, token } });
    expect(second.runners.map(idOf)).toEqual(local.slice(3));
    expect(second.pagination?.nextToken).toBe("");
    const all = await world.runner.listRunners({ filter, pagination: { pageSize: 4 } });
    expect([all.runners.length, all.pagination?.nextToken]).toEqual([4, ""]);
  });

  test.for<[string, (count: number) => object]>([
    ["creator_ids", (length) => ({ creatorIds: Array.from({ length }, () => unknownId) })],
    ["kinds", (length) => ({ kinds: Array.from({ length }, () => RunnerKind.REMOTE) })],
    ["providers", (length) => ({ providers: Array.from({ length }, () => GCP) })],
  ])("takes up to 25 %s", async ([field, filterOf], { shared }) => {
    expect(await violationsOf(shared.runner.listRunners({ filter: filterOf(25) }))).toEqual([]);
    expect(await violationsOf(shared.runner.listRunners({ filter: filterOf(26) }))).toEqual([
      `filter.${field} repeated.max_items`,
    ]);
  });

  test("takes no malformed ids and no undefined enum values, and says which", async ({ shared }) => {
    const filter = {
      creatorIds: [unknownId, "user-1", ""],
      kinds: [RunnerKind.REMOTE, 99 as number],
      providers: [-1 as number],
    };
    const violations = await violationsOf(shared.runner.listRunners({ filter }));
    expect(violations.map((violation) => violation.replace(/string\.uuid.*/, "string.uuid"))).toEqual([
      "filter.creator_ids[1] string.uuid",
      "filter.creator_ids[2] string.uuid",
      "filter.kinds[1] enum.defined_only",
      "filter.providers[0] enum.defined_only",
    ]);
  });

  test("refuses an enum name that does not exist, with its path", async ({ shared }) => {
    const body = { filter: { kinds: ["RUNNER_KIND_REMOTE", "NOPE"] } };
    const answer = await post(shared.url + rpc.listRunners, body);
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_argument" } });
    expect(answer.body.message).toContain("filter.kinds[1]");
    expect(answer.body.message).toContain("NOPE");
  });
});
