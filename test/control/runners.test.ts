/** Ordering a runner's life: renewed, lapsed, reporting; and ending its tokens. */
import { inspect } from "node:util";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { describe, expect } from "vitest";
import { RunnerCapability, RunnerPhase } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { TokenKind } from "../../src/gen/runnermock/v1/runner_pb.ts";
import { controlOf, test } from "../support/control.ts";
import { failureOf, startMs } from "../support/mock.ts";
import { callOutcome, exchangeOutcome, idOf, register, seen, stands } from "../support/registrations.ts";

const unknownId = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b";

describe("RenewRunner", () => {
  test("renews a lease for another 30 seconds, and changes nothing else", async ({ mock, control }) => {
    const { runnerId } = await register(mock);
    const before = await seen(mock, runnerId);
    await mock.clock.advance("29.999s");
    const { runner, leaseEndsAt } = await control.renewRunner({ runnerId: runnerId.toUpperCase() });
    expect(leaseEndsAt && timestampMs(leaseEndsAt)).toBe(startMs + 59_999);
    expect(runner).toEqual(before);
    await mock.clock.advance("29.999s");
    expect(await stands(mock, runnerId)).toBe(true);
    await mock.clock.advance(1);
    expect(await stands(mock, runnerId)).toBe(false);
  });

  test("registers a lapsed runner again, which then has not communicated yet", async ({ mock, control }) => {
    const { runnerId } = await register(mock);
    await mock.clock.advance("31s");
    const { runner } = await control.renewRunner({ runnerId });
    expect(runner?.status?.phase).toBe(RunnerPhase.INACTIVE);
    expect(await stands(mock, runnerId)).toBe(true);
  });

  test("says of a lease that never ends that it does not", async ({ start }) => {
    const mock = await start({ controlPort: 0, lapse: "never" });
    const { runnerId } = await register(mock);
    expect((await controlOf(mock).renewRunner({ runnerId })).leaseEndsAt).toBeUndefined();
  });
});

describe("LapseRunner", () => {
  test.for(["remove", "never"] as const)(
    "takes a runner away at once, with lapse %s",
    async (lapse, { start }) => {
      const mock = await start({ controlPort: 0, lapse });
      const { runnerId, accessToken } = await register(mock);
      await controlOf(mock).lapseRunner({ runnerId });
      expect(await stands(mock, runnerId)).toBe(false);
      // Once more does no harm, and it comes back as any other.
      await controlOf(mock).lapseRunner({ runnerId });
      expect(await callOutcome(mock, accessToken)).toBe("ok");
      expect(await stands(mock, runnerId)).toBe(true);
    },
  );

  test("makes an ACTIVE runner INACTIVE, with lapse deactivate", async ({ start }) => {
    const mock = await start({ controlPort: 0, lapse: "deactivate" });
    const { runnerId, accessToken } = await register(mock);
    await callOutcome(mock, accessToken);
    await controlOf(mock).lapseRunner({ runnerId });
    expect((await seen(mock, runnerId)).status?.phase).toBe(RunnerPhase.INACTIVE);
  });
});

test("a runner without a lease can neither be renewed nor lapse", async ({ start }) => {
  const mock = await start({ controlPort: 0, localConfigurationRunner: "present" });
  const runnerId = idOf((await mock.runner.listRunners({})).runners[0]);
  for (const call of ["renewRunner", "lapseRunner"] as const) {
    expect(await failureOf(controlOf(mock)[call]({ runnerId }))).toMatch(
      /^failed_precondition: runner has no lease/,
    );
  }
  expect(await stands(mock, runnerId)).toBe(true);
});

describe("ReportRunnerStatus", () => {
  test("takes over what is set, and leaves the rest", async ({ mock, control }) => {
    const { runnerId } = await register(mock);
    const report = {
      phase: RunnerPhase.DEGRADED,
      message: "tired",
      version: "1.2.3",
      systemDetails: "Linux",
      region: "eu",
      capabilities: [RunnerCapability.AGENT_EXECUTION],
      additionalInfo: [{ key: "a", value: "b" }],
      gatewayInfo: {
        gateway: { name: "g", url: "https://g.example" },
        latency: { seconds: 0n, nanos: 5_000_000 },
      },
      logUrl: "https://logs.example",
      llmUrl: "https://llm.example",
      supportBundleUrl: "https://bundle.example",
      publicKey: new Uint8Array(32).fill(7),
    };
    await control.reportRunnerStatus({ runnerId, report });
    expect((await seen(mock, runnerId)).status).toMatchObject(report);
    const { runner } = await control.reportRunnerStatus({ runnerId, report: { message: "" } });
    expect(runner?.status).toMatchObject({ ...report, message: "" });
  });

  test("renews nothing", async ({ mock, control }) => {
    const { runnerId } = await register(mock);
    await mock.clock.advance("29s");
    await control.reportRunnerStatus({ runnerId, report: { phase: RunnerPhase.ACTIVE } });
    await mock.clock.advance("1s");
    expect(await stands(mock, runnerId)).toBe(false);
  });

  test.for([
    ["a key that is none", { publicKey: new Uint8Array(3) }],
    ["a phase that is none", { phase: 99 as RunnerPhase }],
  ] as const)("refuses %s", async ([, report], { mock, control }) => {
    const { runnerId } = await register(mock);
    expect(await failureOf(control.reportRunnerStatus({ runnerId, report }))).toMatch(/^invalid_argument: /);
    expect((await seen(mock, runnerId)).status?.phase).toBe(RunnerPhase.CREATED);
  });
});

test("a runner that does not exist is not found", async ({ control }) => {
  const calls = [
    control.renewRunner({ runnerId: unknownId }),
    control.lapseRunner({ runnerId: unknownId }),
    control.reportRunnerStatus({ runnerId: unknownId, report: {} }),
  ];
  for (const call of calls) expect(await failureOf(call)).toBe("not_found: runner not found");
});

describe("tokens", () => {
  test("are listed with what is known of them, but without themselves", async ({ mock, control }) => {
    const { runnerId, exchangeToken, accessToken } = await register(mock);
    await register(mock);
    await mock.runner.createRunnerLogsToken({ runnerId });
    const { tokens } = await control.listTokens({ runnerId });
    const facts = tokens.map(({ kind, createdAt, expiresAt }) => [
      kind,
      createdAt && timestampMs(createdAt) - startMs,
      expiresAt && timestampMs(expiresAt) - startMs,
    ]);
    expect(facts).toEqual([
      [TokenKind.ACCESS, 0, undefined],
      [TokenKind.EXCHANGE, 0, 86_400_000],
      [TokenKind.LOGS, 0, 3_600_000],
    ]);
    for (const secret of [exchangeToken, accessToken])
      expect(inspect(tokens)).not.toContain(secret.slice(-20));
  });

  test("of all runners are walked through in pages, each once", async ({ mock, control }) => {
    for (let i = 0; i < 4; i++) await register(mock);
    const found: string[] = [];
    for (let token = ""; ; ) {
      const page = await control.listTokens({ pagination: { pageSize: 3, token } });
      found.push(...page.tokens.map(({ tokenId }) => tokenId));
      token = page.pagination?.nextToken ?? "";
      if (token === "") break;
    }
    expect([found.length, new Set(found).size]).toEqual([8, 8]);
  });

  test.for(["expireToken", "revokeToken"] as const)(
    "end by %s, named by themselves or as listed",
    async (end, { mock, control }) => {
      const { runnerId, exchangeToken, accessToken } = await register(mock);
      const [access] = (await control.listTokens({ runnerId })).tokens;
      await control[end]({ token: exchangeToken });
      await control[end]({ token: access?.tokenId ?? "" });
      expect(await exchangeOutcome(mock, exchangeToken)).toBe("unauthenticated");
      expect(await callOutcome(mock, accessToken)).toBe("unauthenticated");
      expect(await failureOf(control[end]({ token: exchangeToken }))).toBe("not_found: token not found");
      expect((await control.listTokens({ runnerId })).tokens).toEqual([]);
    },
  );
});
