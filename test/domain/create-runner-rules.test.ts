/** What CreateRunner refuses: every violation of a request in one answer. */
import { describe, expect } from "vitest";
import {
  LogLevel,
  RunnerPhase,
  RunnerReleaseChannel,
  RunnerService,
  RunnerVariant,
} from "../../src/gen/gitpod/v1/runner_pb.ts";
import { failureOf } from "../support/mock.ts";
import { post, rpc } from "../support/post.ts";
import { type CreateRunnerInit, idOf, productionRunner, seen } from "../support/registrations.ts";
import { test } from "../support/shared-mock.ts";
import { violationsOf } from "../support/violations.ts";

const manager = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b";
const maxUint32 = 4_294_967_295;
/** What no enum has. */
const noValue: number = 99;

describe("the name of a runner", () => {
  test.for([
    ["nothing", "", ["name string.min_len"]],
    ["2 characters", "ab", ["name string.min_len"]],
    ["3 characters", "abc", []],
    ["127 characters", "x".repeat(127), []],
    ["128 characters", "x".repeat(128), ["name string.max_len"]],
    ["2 emoji, of two UTF-16 units each", "😀😀", ["name string.min_len"]],
    ["3 emoji", "😀😀😀", []],
    ["127 emoji", "😀".repeat(127), []],
    ["128 emoji", "😀".repeat(128), ["name string.max_len"]],
    ["127 letters of two bytes each", "ü".repeat(127), []],
    ["a letter with two marks, which are characters of their own", "e\u0301\u0302", []],
    ["one emoji that is joined of three", "👩‍👧", []],
    ["three spaces", "   ", []],
  ] as const)("may or may not be %s", async ([, name, violations], { shared }) => {
    const call = shared.runner.createRunner({ ...productionRunner, name });
    expect(await violationsOf(call)).toEqual(violations);
    if (violations.length === 0) {
      const { runner } = await call;
      expect((await seen(shared, idOf(runner))).name).toBe(name);
    }
  });
});

describe("kind, provider and runner_manager_id", () => {
  // Numbers of the wire; the last of each is none.
  const kinds = [0, 1, 2, 3, 4];
  const providers = [0, 1, 2, 3, 4, 5, 6, 7];
  const managers = ["", manager, manager.toUpperCase(), "manager-1"];
  const combinations = kinds.flatMap((kind) =>
    providers.flatMap((provider) =>
      managers.map((runnerManagerId) => [kind, provider, runnerManagerId] as const),
    ),
  );

  /** The rule, written plainly: an undefined number counts as set. */
  function expectedViolations(kind: number, provider: number, runnerManagerId: string): string[] {
    const violations: string[] = [];
    if (kind === 4) violations.push("kind enum.defined_only");
    if (provider === 7) violations.push("provider enum.defined_only");
    if (runnerManagerId === "manager-1") violations.push("runner_manager_id string.uuid");
    if (kind === 0 && provider === 0) violations.push("runner.kind_or_provider");
    if (kind !== 0 && provider !== 0) violations.push("runner.kind_or_provider");
    if (kind === 3) violations.push("runner.local_configuration");
    if (provider === 4 && runnerManagerId === "") violations.push("runner.runner_manager_id");
    if (provider !== 4 && runnerManagerId !== "") violations.push("runner.runner_manager_id");
    return violations.sort();
  }

  test.for(combinations)(
    "kind %i, provider %i, manager %j",
    async ([kind, provider, runnerManagerId], { shared }) => {
      const call = shared.runner.createRunner({ name: "Runner", kind, provider, runnerManagerId });
      expect(await violationsOf(call)).toEqual(expectedViolations(kind, provider, runnerManagerId));
    },
  );

  test.for([
    [{}, "exactly one of kind and provider must be set"],
    [{ kind: 2, provider: 1 }, "exactly one of kind and provider must be set"],
    [{ provider: 4 }, "runner_manager_id is required for provider RUNNER_PROVIDER_MANAGED"],
    [
      { provider: 1, runnerManagerId: manager },
      "runner_manager_id must not be set unless provider is RUNNER_PROVIDER_MANAGED",
    ],
  ] as const)("%j is told what is wrong with it", async ([request, text], { shared }) => {
    expect(await failureOf(shared.runner.createRunner({ name: "Runner", ...request }))).toContain(text);
  });

  test("UNSPECIFIED counts as not set, also when it is written out", async ({ shared }) => {
    const body = { name: "Runner", kind: "RUNNER_KIND_UNSPECIFIED", provider: "RUNNER_PROVIDER_GCP" };
    const answer = await post(shared.url + rpc.createRunner, body);
    expect(answer).toMatchObject({ status: 200, body: { runner: { kind: "RUNNER_KIND_REMOTE" } } });
  });
});

describe("enums", () => {
  type Spec = NonNullable<CreateRunnerInit["spec"]>;
  const fields: [string, (value: number) => Spec, number[]][] = [
    ["spec.desired_phase", (desiredPhase) => ({ desiredPhase }), numbersOf(RunnerPhase)],
    ["spec.variant", (variant) => ({ variant }), numbersOf(RunnerVariant)],
    [
      "spec.configuration.release_channel",
      (releaseChannel) => ({ configuration: { releaseChannel } }),
      numbersOf(RunnerReleaseChannel),
    ],
    ["spec.configuration.log_level", (logLevel) => ({ configuration: { logLevel } }), numbersOf(LogLevel)],
  ];

  test.for(fields)(
    "%s takes each of its values and nothing else",
    async ([path, specOf, values], { shared }) => {
      for (const value of values) {
        const call = shared.runner.createRunner({ ...productionRunner, spec: specOf(value) });
        expect([value, await violationsOf(call)]).toEqual([value, []]);
      }
      for (const value of [-1, Math.max(...values) + 1, 2_147_483_647, -2_147_483_648]) {
        const call = shared.runner.createRunner({ ...productionRunner, spec: specOf(value) });
        expect([value, await violationsOf(call)]).toEqual([value, [`${path} enum.defined_only`]]);
      }
    },
  );

  function numbersOf(object: object): number[] {
    return Object.values(object).filter((value) => typeof value === "number");
  }
});

describe("the update window", () => {
  type Window = { startHour?: number; endHour?: number };
  const path = "spec.configuration.update_window";
  const startRequired = "runner.update_window.start_required";
  const minLength = "runner.update_window.min_length";
  const badStart = `${path}.start_hour uint32.lte`;
  const badEnd = `${path}.end_hour uint32.lte`;
  const withWindow = (updateWindow: Window): CreateRunnerInit => ({
    ...productionRunner,
    spec: { configuration: { updateWindow } },
  });

  test.for<[string, Window, string[]]>([
    ["is empty", {}, [startRequired]],
    ["starts at midnight and does not end", { startHour: 0 }, []],
    ["ends at 23 by default", { startHour: 21 }, []],
    ["ends at midnight by default", { startHour: 22 }, []],
    ["ends after midnight by default", { startHour: 23 }, []],
    ["is empty from 0 to 0", { startHour: 0, endHour: 0 }, [minLength]],
    ["has no length", { startHour: 5, endHour: 5 }, [minLength]],
    ["is 1 hour long", { startHour: 5, endHour: 6 }, [minLength]],
    ["is 2 hours long", { startHour: 5, endHour: 7 }, []],
    ["is 3 hours long", { startHour: 5, endHour: 8 }, []],
    ["is the whole day but an hour", { startHour: 0, endHour: 23 }, []],
    ["is 1 hour long over midnight", { startHour: 23, endHour: 0 }, [minLength]],
    ["is 2 hours long up to midnight", { startHour: 22, endHour: 0 }, []],
    ["is 2 hours long over midnight", { startHour: 23, endHour: 1 }, []],
    ["is 1 hour long up to 23", { startHour: 22, endHour: 23 }, [minLength]],
    ["is 23 hours long over midnight", { startHour: 1, endHour: 0 }, []],
    ["has an end alone", { endHour: 5 }, [startRequired]],
    ["has an end alone, midnight", { endHour: 0 }, [startRequired]],
    ["starts at 24", { startHour: 24 }, [badStart]],
    ["starts at 255", { startHour: 255 }, [badStart]],
    ["starts at the greatest number", { startHour: maxUint32 }, [badStart]],
    ["starts two hours before numbers run over", { startHour: maxUint32 - 1 }, [badStart]],
    ["starts at 24 and ends", { startHour: 24, endHour: 2 }, [badStart]],
    ["ends at 24", { startHour: 1, endHour: 24 }, [badEnd]],
    ["ends at 24, an hour after its start", { startHour: 23, endHour: 24 }, [badEnd]],
    ["ends at 255", { startHour: 1, endHour: 255 }, [badEnd]],
    ["ends at the greatest number", { startHour: 1, endHour: maxUint32 }, [badEnd]],
    ["starts and ends at 24", { startHour: 24, endHour: 24 }, [badEnd, badStart]],
    [
      "starts and ends at the greatest number",
      { startHour: maxUint32, endHour: maxUint32 },
      [badEnd, badStart],
    ],
    ["has an end alone, which is 24", { endHour: 24 }, [startRequired, badEnd]],
    ["has an end alone, the greatest number", { endHour: maxUint32 }, [startRequired, badEnd]],
  ])("that %s", async ([, window, violations], { shared }) => {
    const call = shared.runner.createRunner(withWindow(window));
    expect(await violationsOf(call)).toEqual(violations);
    if (violations.length > 0) return;
    const { runner } = await call;
    const { updateWindow } = (await seen(shared, idOf(runner))).spec?.configuration ?? {};
    // As sent: a missing end stays missing.
    expect({ ...updateWindow }).toEqual({ $typeName: "gitpod.v1.UpdateWindow", ...window });
    expect(updateWindow && "endHour" in updateWindow && updateWindow.endHour !== undefined).toBe(
      "endHour" in window,
    );
  });

  test("is at least 2 hours long, whenever it starts", async ({ shared }) => {
    for (let startHour = 0; startHour < 24; startHour++) {
      for (const [hours, violations] of [
        [0, [minLength]],
        [1, [minLength]],
        [2, []],
        [3, []],
        [23, []],
      ] as const) {
        const window = { startHour, endHour: (startHour + hours) % 24 };
        const call = shared.runner.createRunner(withWindow(window));
        expect([window, await violationsOf(call)]).toEqual([window, violations]);
      }
    }
  });

  test("needs no end, for each start", async ({ shared }) => {
    for (let startHour = 0; startHour < 24; startHour++) {
      const { runner } = await shared.runner.createRunner(withWindow({ startHour }));
      const { updateWindow } = (await seen(shared, idOf(runner))).spec?.configuration ?? {};
      expect([updateWindow?.startHour, updateWindow?.endHour]).toEqual([startHour, undefined]);
    }
  });
});

describe("a request with several mistakes", () => {
  test("is told all of them at once", async ({ shared }) => {
    const call = shared.runner.createRunner({
      name: "ab",
      kind: noValue,
      provider: noValue,
      runnerManagerId: "manager-1",
      spec: {
        desiredPhase: noValue,
        variant: noValue,
        configuration: {
          releaseChannel: noValue,
          logLevel: noValue,
          updateWindow: { startHour: 24, endHour: maxUint32 },
        },
      },
    });
    expect(await violationsOf(call)).toEqual(
      [
        "kind enum.defined_only",
        "name string.min_len",
        "provider enum.defined_only",
        "runner.kind_or_provider",
        "runner.runner_manager_id",
        "runner_manager_id string.uuid",
        "spec.configuration.log_level enum.defined_only",
        "spec.configuration.release_channel enum.defined_only",
        "spec.configuration.update_window.end_hour uint32.lte",
        "spec.configuration.update_window.start_hour uint32.lte",
        "spec.desired_phase enum.defined_only",
        "spec.variant enum.defined_only",
      ].sort(),
    );
  });

  test("is told every rule that needs several fields at once", async ({ shared }) => {
    const call = shared.runner.createRunner({
      name: "x".repeat(128),
      kind: 3,
      provider: 4,
      spec: { configuration: { updateWindow: { endHour: 4 } } },
    });
    expect(await violationsOf(call)).toEqual([
      "name string.max_len",
      "runner.kind_or_provider",
      "runner.local_configuration",
      "runner.runner_manager_id",
      "runner.update_window.start_required",
    ]);
  });

  test("registers nothing", async ({ shared }) => {
    const path = "/w/refused";
    const runner = shared.client(RunnerService, { path });
    await violationsOf(runner.createRunner({ name: "ab" }));
    expect((await runner.listRunners({})).runners).toEqual([]);
  });

  test("over JSON, the violations are in the details of the error", async ({ shared }) => {
    const answer = await post(shared.url + rpc.createRunner, {});
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe("invalid_argument");
    expect(answer.body.details).toEqual([
      expect.objectContaining({ type: "buf.validate.Violations", value: expect.any(String) }),
      expect.objectContaining({
        type: "runnermock.v1.Explanation",
        debug: expect.objectContaining({ error: "violated", rule: "string.min_len", field: "name" }),
      }),
    ]);
  });
});
