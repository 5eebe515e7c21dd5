/** The lease: how long a registration stands, what renews it and what does not, and how it comes back. */
import { gzipSync } from "node:zlib";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect } from "vitest";
import { IdentityService } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerPhase, RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { TestMock } from "../support/mock.ts";
import { post, rpc } from "../support/post.ts";
import {
  asRunner,
  callOutcome,
  codeOf,
  exchangeOutcome,
  idOf,
  msOf,
  productionRunner,
  type Registered,
  register,
  seen,
  stands,
} from "../support/registrations.ts";
import { test } from "../support/shared-mock.ts";

/** Milliseconds without a renewal, and whether the registration then stands. */
const bounds = [
  [29_999, true],
  [30_000, false],
  [30_001, false],
] as const;

const someoneElse = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b";

type Call = (mock: TestMock, registered: Registered) => Promise<string>;

/** A POST with the runner's token, as JSON unless said otherwise. */
const posted =
  (path: string, body: unknown, headers: Record<string, string> = {}): Call =>
  async (mock, { accessToken }) => {
    const authorization = `Bearer ${accessToken}`;
    const answer = await post(mock.url + path, body, { ...headers, authorization });
    return answer.status === 200 ? "ok" : answer.body.code;
  };

const own = (mock: TestMock, { accessToken }: Registered) => asRunner(mock, accessToken).runner;

/** What shows a runner alive, and how that call ends. */
const signsOfLife: [string, string, Call][] = [
  ["the exchange of a token", "ok", (mock, { exchangeToken }) => exchangeOutcome(mock, exchangeToken)],
  ["GetAuthenticatedIdentity", "ok", (mock, { accessToken }) => callOutcome(mock, accessToken)],
  ["GetRunner of itself", "ok", (mock, me) => codeOf(own(mock, me).getRunner({ runnerId: me.runnerId }))],
  ["ListRunners", "ok", (mock, me) => codeOf(own(mock, me).listRunners({}))],
  [
    "CreateRunnerToken for itself",
    "ok",
    (mock, me) => codeOf(own(mock, me).createRunnerToken({ runnerId: me.runnerId })),
  ],
  [
    "CreateRunner, the literal renewal",
    "ok",
    (mock, me) => codeOf(own(mock, me).createRunner(productionRunner)),
  ],
  [
    "CreateRunner that does not match",
    "failed_precondition",
    (mock, me) => codeOf(own(mock, me).createRunner({ ...productionRunner, provider: 2 })),
  ],
  [
    "a call that is not for runners",
    "permission_denied",
    (mock, me) => codeOf(own(mock, me).deleteRunner({ runnerId: me.runnerId })),
  ],
  [
    "GetRunner of another",
    "permission_denied",
    (mock, me) => codeOf(own(mock, me).getRunner({ runnerId: someoneElse })),
  ],
  ["an invalid request", "invalid_argument", (mock, me) => codeOf(own(mock, me).createRunner({ name: "x" }))],
  [
    "a URL that nobody can read",
    "invalid_argument",
    (mock, me) => codeOf(own(mock, me).parseContextURL({ contextUrl: "https://example.com/a/b" })),
  ],
  ["an unknown field in JSON", "invalid_argument", posted(rpc.listRunners, { nope: 1 })],
  [
    "an unknown field in gzipped JSON",
    "invalid_argument",
    posted(rpc.listRunners, gzipSync('{"nope":1}'), { "content-encoding": "gzip" }),
  ],
  ["a body that is no JSON", "invalid_argument", posted(rpc.listRunners, "{")],
  [
    "a body that is no protobuf",
    "invalid_argument",
    posted(rpc.getRunner, new Uint8Array([0xff, 0xff]), { "content-type": "application/proto" }),
  ],
  ["a bad page size in the query", "invalid_argument", posted(`${rpc.listRunners}?pageSize=x`, {})],
  [
    "a refused exchange",
    "unauthenticated",
    (mock, { accessToken }) => codeOf(asRunner(mock, accessToken).identity.exchangeToken({})),
  ],
  [
    "a Connect GET",
    "ok",
    (mock, { accessToken: bearer }) => {
      const transport = (baseUrl: string) =>
        createConnectTransport({ baseUrl, httpVersion: "1.1", useHttpGet: true });
      return codeOf(mock.client(RunnerService, { bearer, transport }).listRunners({}));
    },
  ],
  [
    "a call over gRPC",
    "ok",
    (mock, { accessToken: bearer }) => {
      const transport = (baseUrl: string) => createGrpcTransport({ baseUrl });
      return codeOf(mock.client(IdentityService, { bearer, transport }).getAuthenticatedIdentity({}));
    },
  ],
];

/** What users do with a runner says nothing about whether it lives. */
const doneByUsers: [string, Call][] = [
  ["GetRunner", (mock, { runnerId }) => codeOf(mock.runner.getRunner({ runnerId }))],
  ["ListRunners", (mock) => codeOf(mock.runner.listRunners({}))],
  ["CreateRunnerToken", (mock, { runnerId }) => codeOf(mock.runner.createRunnerToken({ runnerId }))],
  ["CreateRunner of one like it", (mock) => codeOf(mock.runner.createRunner(productionRunner))],
  [
    "runners.report",
    (mock, { runnerId }) => codeOf(mock.runners.report(runnerId, { phase: RunnerPhase.ACTIVE })),
  ],
];

describe("a registration", () => {
  test.for(bounds)("that is not renewed stands after %i ms: %s", async ([afterMs, standing], { shared }) => {
    const { runnerId } = await register(shared);
    await shared.clock.advance(afterMs);
    expect(await stands(shared, runnerId)).toBe(standing);
  });

  describe.for(signsOfLife)("is renewed by %s (%s)", ([, outcome, call]) => {
    test.for(bounds)("and stands %i ms later: %s", async ([afterMs, standing], { shared }) => {
      const registered = await register(shared);
      await shared.clock.advance(29_999);
      expect(await call(shared, registered)).toBe(outcome);
      await shared.clock.advance(afterMs);
      expect(await stands(shared, registered.runnerId)).toBe(standing);
    });
  });

  test.for(doneByUsers)("is not renewed by a user's %s", async ([, call], { shared }) => {
    const registered = await register(shared);
    await shared.clock.advance(29_999);
    expect(await call(shared, registered)).toBe("ok");
    expect(await stands(shared, registered.runnerId)).toBe(true);
    await shared.clock.advance(1);
    expect(await stands(shared, registered.runnerId)).toBe(false);
  });

  test("is not renewed by the exchange of another runner's token", async ({ shared }) => {
    const [one, other] = [await register(shared), await register(shared)];
    await shared.clock.advance(29_999);
    expect(await exchangeOutcome(shared, other.exchangeToken)).toBe("ok");
    await shared.clock.advance(1);
    expect(await stands(shared, one.runnerId)).toBe(false);
    expect(await stands(shared, other.runnerId)).toBe(true);
  });

  test("stands for as long as it is renewed", async ({ shared }) => {
    const { runnerId, accessToken } = await register(shared);
    for (let renewals = 0; renewals < 100; renewals++) {
      await shared.clock.advance(29_999);
      expect(await callOutcome(shared, accessToken)).toBe("ok");
    }
    expect(await stands(shared, runnerId)).toBe(true);
  });

  test.for([
    ["2.5s", 2_500],
    [1, 1],
    ["48h", 172_800_000],
  ] as const)("stands for the option lease: %s", async ([lease, leaseMs], { start }) => {
    const mock = await start({ lease });
    const { runnerId } = await register(mock);
    await mock.clock.advance(leaseMs - 1);
    expect(await stands(mock, runnerId)).toBe(true);
    await mock.clock.advance(1);
    expect(await stands(mock, runnerId)).toBe(false);
  });
});

describe("the phase of a runner", () => {
  test("is CREATED, by the exchange INACTIVE, by the first call ACTIVE, each at its time", async ({
    shared,
  }) => {
    const { runnerId, exchangeToken } = await register(shared);
    const createdAt = (await seen(shared, runnerId)).createdAt;
    const expectPhase = async (phase: RunnerPhase, sinceMs: number) => {
      const { status, updatedAt } = await seen(shared, runnerId);
      expect([status?.phase, msOf(status?.updatedAt)]).toEqual([phase, sinceMs]);
      // Nothing but the status has changed.
      expect(updatedAt).toEqual(createdAt);
    };
    await expectPhase(RunnerPhase.CREATED, msOf(createdAt));

    await shared.clock.advance("1s");
    const { accessToken } = await shared.identity.exchangeToken({ exchangeToken });
    const exchangedAtMs = shared.clock.nowMs();
    await shared.clock.advance("1s");
    await expectPhase(RunnerPhase.INACTIVE, exchangedAtMs);

    await callOutcome(shared, accessToken);
    const calledAtMs = shared.clock.nowMs();
    await shared.clock.advance("1s");
    await callOutcome(shared, accessToken);
    await expectPhase(RunnerPhase.ACTIVE, calledAtMs);
  });

  test("is ACTIVE by a call with the token of the CreateRunner reply, too", async ({ shared }) => {
    const { runnerId, accessToken } = await register(shared);
    await callOutcome(shared, accessToken);
    expect((await seen(shared, runnerId)).status?.phase).toBe(RunnerPhase.ACTIVE);
  });

  test("that the runner reported is kept by a call", async ({ shared }) => {
    const { runnerId, accessToken } = await register(shared);
    await shared.runners.report(runnerId, { phase: RunnerPhase.DEGRADED });
    await callOutcome(shared, accessToken);
    expect((await seen(shared, runnerId)).status?.phase).toBe(RunnerPhase.DEGRADED);
  });
});

describe("a lapsed registration", () => {
  const lapsed = async (mock: TestMock) => {
    const registered = await register(mock);
    await mock.clock.advance("30s");
    return registered;
  };

  test("is found by no user", async ({ shared }) => {
    const { runnerId } = await lapsed(shared);
    expect(await codeOf(shared.runner.getRunner({ runnerId }))).toBe("not_found");
    expect(await codeOf(shared.runner.createRunnerToken({ runnerId }))).toBe("not_found");
    expect(await codeOf(shared.runners.report(runnerId, { version: "1" }))).toBe("not_found");
    const standing = await register(shared);
    const { runners } = await shared.runner.listRunners({});
    expect(runners.map(idOf)).toEqual([standing.runnerId]);
  });

  test.for<[string, "INACTIVE" | "ACTIVE", Call]>([
    ["the exchange of a token", "INACTIVE", (mock, it) => exchangeOutcome(mock, it.exchangeToken)],
    ["a call with its token", "ACTIVE", (mock, it) => callOutcome(mock, it.accessToken)],
    ["the literal renewal", "ACTIVE", (mock, me) => codeOf(own(mock, me).createRunner(productionRunner))],
  ])("is the same runner again by %s, and %s", async ([, phase, revive], { shared }) => {
    const registered = await register(shared);
    const { runnerId } = registered;
    const before = await seen(shared, runnerId);
    await shared.clock.advance("12h");
    expect(await revive(shared, registered)).toBe("ok");

    const after = await seen(shared, runnerId);
    expect(after).toMatchObject({ createdAt: before.createdAt, name: before.name, creator: before.creator });
    expect(after.status?.phase).toBe(RunnerPhase[phase]);
    expect(msOf(after.status?.updatedAt)).toBe(shared.clock.nowMs());
    const { runners } = await shared.runner.listRunners({ pagination: { pageSize: 100 } });
    expect(runners.map(idOf)).toContain(runnerId);

    await shared.clock.advance(29_999);
    expect(await stands(shared, runnerId)).toBe(true);
    await shared.clock.advance(1);
    expect(await stands(shared, runnerId)).toBe(false);
  });

  test("that was ACTIVE is INACTIVE again by the exchange of a token", async ({ shared }) => {
    const { runnerId, accessToken, exchangeToken } = await register(shared);
    await callOutcome(shared, accessToken);
    await shared.clock.advance("30s");
    await exchangeOutcome(shared, exchangeToken);
    expect((await seen(shared, runnerId)).status?.phase).toBe(RunnerPhase.INACTIVE);
  });

  test("comes back in its old place in the list", async ({ shared }) => {
    const [one, other] = [await register(shared), await register(shared)];
    await shared.clock.advance("29s");
    await callOutcome(shared, other.accessToken);
    await shared.clock.advance("1s");
    await callOutcome(shared, one.accessToken);
    const { runners } = await shared.runner.listRunners({});
    expect(runners.map(idOf)).toEqual([one.runnerId, other.runnerId]);
  });

  test("can be deleted, once, and then nothing brings it back", async ({ shared }) => {
    const { runnerId, exchangeToken, accessToken } = await lapsed(shared);
    expect(await codeOf(shared.runner.deleteRunner({ runnerId }))).toBe("ok");
    expect(await exchangeOutcome(shared, exchangeToken)).toBe("unauthenticated");
    expect(await callOutcome(shared, accessToken)).toBe("unauthenticated");
    expect(await codeOf(shared.runner.deleteRunner({ runnerId }))).toBe("not_found");
  });
});

describe("DeleteRunner", () => {
  test("is final: it revokes every exchange and access token of the runner, and of no other", async ({
    shared,
  }) => {
    const [it, other] = [await register(shared), await register(shared)];
    const more = await shared.runner.createRunnerToken({ runnerId: it.runnerId });
    const { accessToken } = await shared.identity.exchangeToken({ exchangeToken: it.exchangeToken });
    const renewed = await asRunner(shared, accessToken).runner.createRunner(productionRunner);
    for (const token of [it.accessToken, more.accessToken, accessToken, renewed.accessToken]) {
      expect(await callOutcome(shared, token)).toBe("ok");
    }

    await shared.runner.deleteRunner({ runnerId: it.runnerId });
    expect(await stands(shared, it.runnerId)).toBe(false);
    for (const token of [it.accessToken, more.accessToken, accessToken, renewed.accessToken]) {
      expect(await callOutcome(shared, token)).toBe("unauthenticated");
    }
    for (const token of [more.exchangeToken, renewed.exchangeToken]) {
      expect(await exchangeOutcome(shared, token)).toBe("unauthenticated");
    }
    expect(await stands(shared, it.runnerId)).toBe(false);
    expect(await callOutcome(shared, other.accessToken)).toBe("ok");
    expect(await exchangeOutcome(shared, other.exchangeToken)).toBe("ok");
  });

  test("of a deleted or unknown runner is not_found", async ({ shared }) => {
    const { runnerId } = await register(shared);
    await shared.runner.deleteRunner({ runnerId });
    expect(await codeOf(shared.runner.deleteRunner({ runnerId }))).toBe("not_found");
    expect(await codeOf(shared.runner.deleteRunner({ runnerId: someoneElse }))).toBe("not_found");
  });
});
