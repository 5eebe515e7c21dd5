/** Exchange tokens, which work once and for 24 hours, and the access tokens that they are exchanged for. */
import { describe, expect } from "vitest";
import { WorldClock } from "../../src/clock.ts";
import { Tokens } from "../../src/domain/tokens.ts";
import { IdentityService, Principal } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerPhase, RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { Store } from "../../src/store/store.ts";
import { countingRandom, failureOf, stillTime } from "../support/mock.ts";
import { memoryStore } from "../support/parts.ts";
import {
  asRunner,
  callOutcome,
  codeOf,
  exchangeOutcome,
  idOf,
  register,
  seen,
} from "../support/registrations.ts";
import { test } from "../support/shared-mock.ts";

const day = 24 * 3_600_000;

describe("an exchange token", () => {
  test("is exchanged for an access token of its runner", async ({ shared }) => {
    const { runnerId, exchangeToken } = await register(shared);
    const { accessToken } = await shared.identity.exchangeToken({ exchangeToken });
    const { subject } = await asRunner(shared, accessToken).identity.getAuthenticatedIdentity({});
    expect(subject).toMatchObject({ id: runnerId, principal: Principal.RUNNER });
  });

  test("works once", async ({ shared }) => {
    const { exchangeToken } = await register(shared);
    expect(await exchangeOutcome(shared, exchangeToken)).toBe("ok");
    expect(await failureOf(shared.identity.exchangeToken({ exchangeToken }))).toMatch(
      /^unauthenticated: invalid exchange token/,
    );
  });

  test("is exchanged by exactly one of 50 callers at once", async ({ shared }) => {
    const { exchangeToken } = await register(shared);
    const calls = Array.from({ length: 50 }, () => exchangeOutcome(shared, exchangeToken));
    const outcomes = (await Promise.all(calls)).sort();
    expect(outcomes).toEqual(["ok", ...Array.from({ length: 49 }, () => "unauthenticated")]);
  });

  test.for([
    [day - 1, "ok"],
    [day, "unauthenticated"],
    [day + 1, "unauthenticated"],
  ] as const)("after %i ms: %s", async ([afterMs, outcome], { shared }) => {
    const { exchangeToken } = await register(shared);
    await shared.clock.advance(afterMs);
    expect(await exchangeOutcome(shared, exchangeToken)).toBe(outcome);
  });

  test.for([
    [day - 1, "ok"],
    [day, "unauthenticated"],
  ] as const)(
    "after %i ms: %s, also where its runner has stood all the time",
    async ([afterMs, outcome], { start }) => {
      const mock = await start({ lapse: "never" });
      const { exchangeToken } = await register(mock);
      await mock.clock.advance(afterMs);
      expect(await exchangeOutcome(mock, exchangeToken)).toBe(outcome);
    },
  );

  test("lives for the option exchangeTokenTtl", async ({ start }) => {
    const mock = await start({ exchangeTokenTtl: "90s" });
    const [one, other] = [await register(mock), await register(mock)];
    await mock.clock.advance(89_999);
    expect(await exchangeOutcome(mock, one.exchangeToken)).toBe("ok");
    await mock.clock.advance(1);
    expect(await exchangeOutcome(mock, other.exchangeToken)).toBe("unauthenticated");
  });

  test("from CreateRunnerToken lives 24 hours of its own, and those before it go on working", async ({
    start,
  }) => {
    const mock = await start({ lapse: "never" });
    const { runnerId, exchangeToken } = await register(mock);
    await mock.clock.advance("1h");
    const [one, other] = [
      await mock.runner.createRunnerToken({ runnerId }),
      await mock.runner.createRunnerToken({ runnerId }),
    ];
    await mock.clock.advance(day - 3_600_001);
    expect(await exchangeOutcome(mock, exchangeToken)).toBe("ok");
    await mock.clock.advance(3_600_000);
    expect(await exchangeOutcome(mock, one.exchangeToken)).toBe("ok");
    await mock.clock.advance(1);
    expect(await exchangeOutcome(mock, other.exchangeToken)).toBe("unauthenticated");
  });

  test("that is used up leaves the runner's other ones alone", async ({ shared }) => {
    const { runnerId, exchangeToken } = await register(shared);
    const more = await shared.runner.createRunnerToken({ runnerId });
    expect(more.exchangeToken).not.toBe(exchangeToken);
    expect(await exchangeOutcome(shared, exchangeToken)).toBe("ok");
    expect(await exchangeOutcome(shared, more.exchangeToken)).toBe("ok");
  });

  test.for([
    ["empty", ""],
    ["foreign", "my-exchange-token"],
    ["of our form", "rmock_exchange_AAAA"],
    ["a thousand times too long", "rmock_exchange_".repeat(1000)],
    ["not of this alphabet", "\u0000\u202e 🔑"],
  ] as const)("that is unknown is refused: %s", async ([, exchangeToken], { shared }) => {
    expect(await exchangeOutcome(shared, exchangeToken)).toBe("unauthenticated");
  });

  test("is no bearer, and is not used up by the attempt", async ({ shared }) => {
    const { runnerId, exchangeToken } = await register(shared);
    expect(await callOutcome(shared, exchangeToken)).toBe("unauthenticated");
    const getRunner = asRunner(shared, exchangeToken).runner.getRunner({ runnerId });
    expect(await codeOf(getRunner)).toBe("unauthenticated");
    expect((await seen(shared, runnerId)).status?.phase).toBe(RunnerPhase.CREATED);
    expect(await exchangeOutcome(shared, exchangeToken)).toBe("ok");
  });

  test("needs no bearer beside it, also with auth: required", async ({ start }) => {
    const mock = await start({ auth: "required", token: { alice: "alice-token" } });
    const { exchangeToken } = await register({
      runner: mock.client(RunnerService, { bearer: "alice-token" }),
    });
    expect(await exchangeOutcome(mock, "nope")).toBe("unauthenticated");
    const { accessToken } = await mock.identity.exchangeToken({ exchangeToken });
    expect(await callOutcome(mock, accessToken)).toBe("ok");
  });

  test("is exchanged whatever foreign bearer comes with it", async ({ start }) => {
    const mock = await start({ auth: "required", token: { alice: "alice-token" } });
    for (const bearer of ["alice-token", "unknown-token"]) {
      const { exchangeToken } = await register({
        runner: mock.client(RunnerService, { bearer: "alice-token" }),
      });
      const identity = mock.client(IdentityService, { bearer });
      expect(await codeOf(identity.exchangeToken({ exchangeToken }))).toBe("ok");
    }
  });
});

describe("an access token", () => {
  test("cannot be exchanged, and is not used up by the attempt", async ({ shared }) => {
    const { exchangeToken } = await register(shared);
    const { accessToken } = await shared.identity.exchangeToken({ exchangeToken });
    expect(await exchangeOutcome(shared, accessToken)).toBe("unauthenticated");
    expect(await callOutcome(shared, accessToken)).toBe("ok");
  });

  test("works as long as its runner's record, by default", async ({ start }) => {
    const mock = await start({ lapse: "never" });
    const { exchangeToken } = await register(mock);
    const { accessToken } = await mock.identity.exchangeToken({ exchangeToken });
    await mock.clock.advance("87600h");
    expect(await callOutcome(mock, accessToken)).toBe("ok");
  });

  test.for([
    [59_999, "ok"],
    [60_000, "unauthenticated"],
    [60_001, "unauthenticated"],
  ] as const)("with accessTokenTtl: 60s, after %i ms: %s", async ([afterMs, outcome], { start }) => {
    const mock = await start({ accessTokenTtl: "60s" });
    const legacy = await register(mock);
    const exchanged = await register(mock);
    await mock.clock.advance("5s");
    const { accessToken } = await mock.identity.exchangeToken({ exchangeToken: exchanged.exchangeToken });
    await mock.clock.advance(afterMs - 5_000);
    expect(await callOutcome(mock, legacy.accessToken)).toBe(outcome);
    await mock.clock.advance(5_000);
    expect(await callOutcome(mock, accessToken)).toBe(outcome);
  });

  test("that has expired does not renew, and the runner can come back by another exchange", async ({
    start,
  }) => {
    const mock = await start({ accessTokenTtl: "10s" });
    const { runnerId, accessToken, exchangeToken } = await register(mock);
    await mock.clock.advance("29.999s");
    expect(await callOutcome(mock, accessToken)).toBe("unauthenticated");
    await mock.clock.advance(1);
    expect(await codeOf(mock.runner.getRunner({ runnerId }))).toBe("not_found");
    const exchanged = await mock.identity.exchangeToken({ exchangeToken });
    expect(await callOutcome(mock, exchanged.accessToken)).toBe("ok");
    expect(await codeOf(mock.runner.getRunner({ runnerId }))).toBe("ok");
  });

  test("works beside the others of its runner", async ({ shared }) => {
    const { runnerId, accessToken, exchangeToken } = await register(shared);
    const exchanged = await shared.identity.exchangeToken({ exchangeToken });
    for (const token of [accessToken, exchanged.accessToken, accessToken]) {
      const { subject } = await asRunner(shared, token).identity.getAuthenticatedIdentity({});
      expect(subject?.id).toBe(runnerId);
    }
  });
});

describe("the tokens of one world", () => {
  test("are unknown in another, also where that one has a runner of its own", async ({ shared }) => {
    const runner = shared.client(RunnerService, { path: "/w/tokens" });
    const identity = shared.client(IdentityService, { path: "/w/tokens" });
    const here = await register(shared);
    const there = await register({ runner });
    expect(await codeOf(identity.exchangeToken({ exchangeToken: here.exchangeToken }))).toBe(
      "unauthenticated",
    );
    expect(await exchangeOutcome(shared, there.exchangeToken)).toBe("unauthenticated");
    const bearer = here.accessToken;
    const stranger = shared.client(RunnerService, { path: "/w/tokens", bearer });
    expect(await codeOf(stranger.listRunners({}))).toBe("unauthenticated");
    // Where they belong they still work.
    expect(await callOutcome(shared, here.accessToken)).toBe("ok");
    expect(await exchangeOutcome(shared, here.exchangeToken)).toBe("ok");
    expect(await codeOf(identity.exchangeToken({ exchangeToken: there.exchangeToken }))).toBe("ok");
  });
});

describe("with the profile permissive", () => {
  test("any exchange token is exchanged, an unknown one as a fresh runner's", async ({ start }) => {
    const mock = await start({ profile: "permissive" });
    const { runnerId, exchangeToken } = await register(mock);
    const subjectOf = async (token: string) => {
      const { accessToken } = await mock.identity.exchangeToken({ exchangeToken: token });
      const { subject } = await asRunner(mock, accessToken).identity.getAuthenticatedIdentity({});
      return subject?.id ?? "";
    };
    expect(await subjectOf(exchangeToken)).toBe(runnerId);
    const fresh = [
      await subjectOf(exchangeToken),
      await subjectOf("unknown"),
      await subjectOf("unknown"),
      await subjectOf(""),
    ];
    expect(new Set([runnerId, ...fresh]).size).toBe(5);
    const { runners } = await mock.runner.listRunners({});
    expect(runners.map(idOf)).toEqual([runnerId, ...fresh]);
    expect(runners[1]?.status?.phase).toBe(RunnerPhase.ACTIVE);
  });

  test("an expired and a revoked exchange token are exchanged, too", async ({ start }) => {
    const mock = await start({ profile: "permissive" });
    const [expired, revoked] = [await register(mock), await register(mock)];
    await mock.runner.deleteRunner({ runnerId: revoked.runnerId });
    await mock.clock.advance("24h");
    for (const { runnerId, exchangeToken } of [expired, revoked]) {
      const { accessToken } = await mock.identity.exchangeToken({ exchangeToken });
      const { subject } = await asRunner(mock, accessToken).identity.getAuthenticatedIdentity({});
      expect(subject?.id).not.toBe(runnerId);
    }
  });

  test("a bearer of our form still has to be valid", async ({ start }) => {
    const mock = await start({ profile: "permissive" });
    expect(await callOutcome(mock, "rmock_access_AAAA")).toBe("unauthenticated");
  });
});

describe("what is kept of a token", () => {
  test("is its SHA-256, never the token", async () => {
    const clock = new WorldClock(stillTime);
    const kept: unknown[] = [];
    const store = memoryStore(clock);
    const watched: Store = {
      feed: store.feed,
      takeOwnedBy: (owner) => store.takeOwnedBy(owner),
      collection: (name, rules) => {
        const collection = store.collection(name, rules);
        return Object.assign(Object.create(collection), {
          put: (...args: Parameters<typeof collection.put>) => {
            kept.push(args[0]);
            return collection.put(...args);
          },
          get: (id: string) => collection.get(id),
          take: (id: string) => collection.take(id),
        });
      },
    };
    await store.collection("runners").put({ id: "the-runner", value: {} });
    const tokens = new Tokens(clock, countingRandom(), watched, {
      exchange: 1000,
      access: undefined,
      logs: 1000,
    });
    for (const kind of ["exchange", "access", "logs"] as const) {
      const token = (await tokens.issue(kind, "the-runner")) ?? "";
      expect(await tokens.runnerIdOf(kind, token)).toBe("the-runner");
      const secret = token.slice(token.lastIndexOf("_") + 1);
      // 256 random bits.
      expect(Buffer.from(secret, "base64url")).toHaveLength(32);
      expect(JSON.stringify(kept)).not.toContain(secret);
    }
    expect(kept).toHaveLength(3);
  });

  test("is not in the log", async ({ start }) => {
    const mock = await start();
    const { accessToken, exchangeToken } = await register(mock);
    await exchangeOutcome(mock, exchangeToken);
    await exchangeOutcome(mock, exchangeToken);
    await callOutcome(mock, accessToken);
    await callOutcome(mock, `${accessToken}x`);
    expect(mock.log.length).toBeGreaterThan(3);
    for (const token of [accessToken, exchangeToken]) expect(mock.log.join("\n")).not.toContain(token);
  });
});
