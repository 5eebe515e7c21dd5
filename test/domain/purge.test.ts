/** How long the record of a lapsed registration is kept, for its runner to come back. */
import { describe, expect } from "vitest";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { RunnerMockOptions } from "../../src/options.ts";
import type { TestMock } from "../support/mock.ts";
import { callOutcome, codeOf, exchangeOutcome, type Registered, register } from "../support/registrations.ts";
import { test } from "../support/shared-mock.ts";

const day = 24 * 3_600_000;

/** DeleteRunner tells a lapsed record, which it removes, from none. */
const isKept = async (mock: TestMock, { runnerId }: Registered) =>
  (await codeOf(mock.runner.deleteRunner({ runnerId }))) === "ok";

describe("24 hours after the lapse", () => {
  const edges = [
    [day - 1, "ok"],
    [day, "unauthenticated"],
    [day + 1, "unauthenticated"],
  ] as const;

  test.for(edges)("less or more (%i ms), the access token: %s", async ([lapsedMs, outcome], { shared }) => {
    const { accessToken } = await register(shared);
    await shared.clock.advance("30s");
    await shared.clock.advance(lapsedMs);
    expect(await callOutcome(shared, accessToken)).toBe(outcome);
  });

  test.for(edges)(
    "less or more (%i ms), an exchange token that lives longer: %s",
    async ([lapsedMs, outcome], { start }) => {
      const mock = await start({ exchangeTokenTtl: "48h" });
      const { exchangeToken } = await register(mock);
      await mock.clock.advance("30s");
      await mock.clock.advance(lapsedMs);
      expect(await exchangeOutcome(mock, exchangeToken)).toBe(outcome);
    },
  );

  test.for(edges)("less or more (%i ms), DeleteRunner finds it", async ([lapsedMs, outcome], { shared }) => {
    const registered = await register(shared);
    await shared.clock.advance(30_000 + lapsedMs);
    expect(await isKept(shared, registered)).toBe(outcome === "ok");
  });

  test("the record of a runner that came back is counted from its next lapse", async ({ shared }) => {
    const { accessToken } = await register(shared);
    await shared.clock.advance(30_000 + day - 1);
    expect(await callOutcome(shared, accessToken)).toBe("ok");
    await shared.clock.advance(30_000 + day - 1);
    expect(await callOutcome(shared, accessToken)).toBe("ok");
    await shared.clock.advance(30_000 + day);
    expect(await callOutcome(shared, accessToken)).toBe("unauthenticated");
  });
});

describe("the record of a lapsed registration goes with its last credential", () => {
  type Step = (mock: TestMock, registered: Registered[]) => Promise<void>;
  const nothing: Step = async () => {};
  const exchange: Step = async (mock, registered) => {
    for (const { exchangeToken } of registered) await mock.identity.exchangeToken({ exchangeToken });
  };
  const makeAnother: Step = async (mock, registered) => {
    await mock.clock.advance("20s");
    for (const { runnerId } of registered) await mock.runner.createRunnerToken({ runnerId });
  };
  const legacyAccessToken = "empty";

  test.for<[string, RunnerMockOptions, Step, number]>([
    ["the exchange token", { legacyAccessToken }, nothing, day],
    ["a shorter exchange token", { legacyAccessToken, exchangeTokenTtl: "1h" }, nothing, 3_600_000],
    [
      "the longer of both tokens, the exchange token",
      { exchangeTokenTtl: "2h", accessTokenTtl: "1h" },
      nothing,
      7_200_000,
    ],
    [
      "the longer of both tokens, the access token",
      { exchangeTokenTtl: "1h", accessTokenTtl: "2h" },
      nothing,
      7_200_000,
    ],
    [
      "a second exchange token, made 20 s later",
      { legacyAccessToken, exchangeTokenTtl: "1h" },
      makeAnother,
      3_620_000,
    ],
    [
      "the access token, when the exchange token has been used up",
      { legacyAccessToken, accessTokenTtl: "1h" },
      exchange,
      3_600_000,
    ],
    [
      "an access token that never expires, so 24 h after the lapse",
      { legacyAccessToken, exchangeTokenTtl: "1h" },
      exchange,
      30_000 + day,
    ],
  ])("%s", async ([, options, step, purgedAfterMs], { start }) => {
    const mock = await start(options);
    const [early, late] = [await register(mock), await register(mock)];
    const goneAtMs = mock.clock.nowMs() + purgedAfterMs;
    await step(mock, [early, late]);
    await mock.clock.advance(goneAtMs - 1 - mock.clock.nowMs());
    expect(await isKept(mock, early)).toBe(true);
    await mock.clock.advance(1);
    expect(await isKept(mock, late)).toBe(false);
  });

  test("at the lapse itself, when none is left by then", async ({ start }) => {
    const mock = await start({ legacyAccessToken, exchangeTokenTtl: "10s" });
    const registered = await register(mock);
    await mock.clock.advance("30s");
    expect(await isKept(mock, registered)).toBe(false);
  });
});

describe("the options lapsedTtl and maxLapsed", () => {
  test.for([
    ["1h", 3_600_000],
    ["48h", 2 * day],
  ] as const)("a record is kept for the lapsedTtl of %s", async ([lapsedTtl, ms], { start }) => {
    const mock = await start({ lapsedTtl, exchangeTokenTtl: "96h" });
    const [one, other] = [await register(mock), await register(mock)];
    await mock.clock.advance(30_000 + ms - 1);
    expect(await callOutcome(mock, one.accessToken)).toBe("ok");
    await mock.clock.advance(1);
    expect(await callOutcome(mock, other.accessToken)).toBe("unauthenticated");
  });

  test.for<RunnerMockOptions>([{ lapsedTtl: "0s" }, { maxLapsed: 0 }])(
    "with %o a lapsed registration is gone for good",
    async (options, { start }) => {
      const mock = await start(options);
      const { accessToken, exchangeToken, runnerId } = await register(mock);
      await mock.clock.advance("30s");
      expect(await exchangeOutcome(mock, exchangeToken)).toBe("unauthenticated");
      expect(await callOutcome(mock, accessToken)).toBe("unauthenticated");
      expect(await codeOf(mock.runner.deleteRunner({ runnerId }))).toBe("not_found");
    },
  );

  test("beyond maxLapsed the longest lapsed goes, with its tokens", async ({ start }) => {
    const mock = await start({ maxLapsed: 2 });
    const runners: Registered[] = [];
    for (let i = 0; i < 4; i++) {
      runners.push(await register(mock));
      await mock.clock.advance("1s");
    }
    await mock.clock.advance("30s");
    const outcomes = await Promise.all(runners.map(({ accessToken }) => callOutcome(mock, accessToken)));
    expect(outcomes).toEqual(["unauthenticated", "unauthenticated", "ok", "ok"]);
    expect(await exchangeOutcome(mock, runners[0]?.exchangeToken ?? "")).toBe("unauthenticated");
  });

  test("of those that lapse at one moment the first created goes first", async ({ start }) => {
    const mock = await start({ maxLapsed: 1 });
    const [one, other] = [await register(mock), await register(mock)];
    await mock.clock.advance("30s");
    expect(await callOutcome(mock, one.accessToken)).toBe("unauthenticated");
    expect(await callOutcome(mock, other.accessToken)).toBe("ok");
  });

  test("who comes back is not counted, and is the shortest lapsed when it lapses again", async ({
    start,
  }) => {
    const mock = await start({ maxLapsed: 2 });
    const a = await register(mock);
    await mock.clock.advance("1s");
    const b = await register(mock);
    await mock.clock.advance("1s");
    const c = await register(mock);
    await mock.clock.advance("29.5s");
    expect(await callOutcome(mock, a.accessToken)).toBe("ok");
    await mock.clock.advance("1h");
    expect(await isKept(mock, b)).toBe(false);
    expect(await callOutcome(mock, c.accessToken)).toBe("ok");
    expect(await callOutcome(mock, a.accessToken)).toBe("ok");
  });

  test("standing registrations are not counted", async ({ start }) => {
    const mock = await start({ maxLapsed: 1, lapse: "never" });
    const runners = [];
    for (let i = 0; i < 5; i++) runners.push(await register(mock));
    await mock.clock.advance("48h");
    const listed = await mock.client(RunnerService).listRunners({});
    expect(listed.runners).toHaveLength(5);
    for (const { accessToken } of runners) expect(await callOutcome(mock, accessToken)).toBe("ok");
  });
});
