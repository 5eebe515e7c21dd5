/** The runners of a world as somebody sees them who looks on: all of them at first, then what changes. */
import { durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { describe, expect } from "vitest";
import { RunnerPhase, RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { RegisteredRunner, WatchRunnersResponse } from "../../src/gen/runnermock/v1/control_pb.ts";
import { controlOf, test as withControl } from "../support/control.ts";
import { ManualTime } from "../support/manual-time.ts";
import { bugsIn, failureOf, openMock, startMs, type TestMock } from "../support/mock.ts";
import { asRunner, register } from "../support/registrations.ts";

interface Watched {
  readonly mock: TestMock;
  /** Starts to watch. */
  watch(world?: string): Watch;
}

class Watch {
  readonly #steps: AsyncIterator<WatchRunnersResponse>;
  readonly #time: ManualTime;
  #begun = false;

  constructor(steps: AsyncIterator<WatchRunnersResponse>, time: ManualTime) {
    this.#steps = steps;
    this.#time = time;
  }

  /** What the next step says, its parts put together. */
  async step() {
    const runners: RegisteredRunner[] = [];
    for (;;) {
      const next = this.#steps.next();
      // The first comes at once, the others when the machine's time has gone on.
      const passing = this.#begun ? this.#pass(next) : undefined;
      const { value, done } = await next;
      await passing;
      if (done) throw new Error("the stream has ended");
      this.#begun = true;
      runners.push(...value.runners);
      if (!value.more) return { ...value, runners };
    }
  }

  async #pass(next: Promise<unknown>) {
    let came = false;
    next.then(
      () => (came = true),
      () => (came = true),
    );
    while (!came) {
      await this.#time.pass(50);
      await new Promise(setImmediate);
    }
  }
}

const test = withControl.extend<{ watched: Watched }>({
  watched: async ({ task: _ }, use) => {
    const time = new ManualTime();
    const mock = await openMock({ controlPort: 0 }, time);
    await mock.clock.freeze();
    const abort = new AbortController();
    const watch = (world = "") => {
      const steps = controlOf(mock).watchRunners({ world }, { signal: abort.signal });
      return new Watch(steps[Symbol.asyncIterator](), time);
    };
    await use({ mock, watch });
    abort.abort();
    await mock.close();
    expect(bugsIn(mock)).toEqual([]);
  },
});

const idsOf = (runners: readonly RegisteredRunner[]) => runners.map(({ runner }) => runner?.runnerId);

describe("WatchRunners", () => {
  test("tells of every runner at first: its lease, its tokens, its phase", async ({ watched }) => {
    const { mock, watch } = watched;
    const { runnerId, accessToken } = await register(mock);
    await mock.clock.advance("10s");
    await asRunner(mock, accessToken).identity.getAuthenticatedIdentity({});
    await mock.runner.createRunnerLogsToken({ runnerId });
    const { runners, gone, clock, lease } = await watch().step();
    expect(runners).toMatchObject([
      {
        runner: { runnerId, name: "Production Runner", status: { phase: RunnerPhase.ACTIVE } },
        lapsed: false,
        exchangeTokens: 1,
        accessTokens: 1,
        logsTokens: 1,
      },
    ]);
    expect(runners[0]?.leaseEndsAt && timestampMs(runners[0].leaseEndsAt) - startMs).toBe(40_000);
    expect([gone, clock?.frozen, lease && durationMs(lease)]).toEqual([[], true, 30_000]);
    expect(clock?.now && timestampMs(clock.now) - startMs).toBe(10_000);
  });

  test("then tells of those that have changed, and of no others", async ({ watched }) => {
    const { mock, watch } = watched;
    const one = await register(mock);
    const other = await register(mock);
    const watching = watch();
    expect(idsOf((await watching.step()).runners)).toEqual([one.runnerId, other.runnerId]);
    expect((await watching.step()).runners).toEqual([]);
    // Renewed.
    await asRunner(mock, other.accessToken).identity.getAuthenticatedIdentity({});
    expect(idsOf((await watching.step()).runners)).toEqual([other.runnerId]);
    // One more token.
    await mock.runner.createRunnerToken({ runnerId: one.runnerId });
    expect((await watching.step()).runners).toMatchObject([{ exchangeTokens: 2, accessTokens: 2 }]);
    await mock.runner.deleteRunner({ runnerId: one.runnerId });
    expect(await watching.step()).toMatchObject({ runners: [], gone: [one.runnerId] });
    await mock.clock.advance("30s");
    const { runners, clock } = await watching.step();
    expect(runners).toMatchObject([{ runner: { runnerId: other.runnerId }, lapsed: true }]);
    expect(runners[0]?.leaseEndsAt).toBeUndefined();
    expect(clock?.now && timestampMs(clock.now) - startMs).toBe(30_000);
  });

  test("is told in parts of several hundred, each once", async ({ watched }) => {
    const { mock, watch } = watched;
    const runners = Array.from({ length: 600 }, (_, i) => ({ name: `Runner ${i}` }));
    await mock.state.load({ runners });
    expect(new Set(idsOf((await watch().step()).runners)).size).toBe(600);
  });

  test("goes on with the world that a reset puts in its place", async ({ watched }) => {
    const { mock, watch } = watched;
    const { runnerId } = await register(mock);
    const watching = watch();
    await watching.step();
    await mock.reset();
    expect(await watching.step()).toMatchObject({ runners: [], gone: [runnerId] });
  });

  test("ends with its world", async ({ watched }) => {
    const { mock, watch } = watched;
    await mock.client(RunnerService, { path: "/w/blue" }).listRunners({});
    const watching = watch("blue");
    await watching.step();
    await mock.worlds.delete("blue");
    expect(await failureOf(watching.step())).toBe('not_found: there is no world "blue"');
  });

  test("ends with the server", async ({ watched }) => {
    const { mock, watch } = watched;
    const watching = watch();
    await watching.step();
    const next = failureOf(watching.step());
    await mock.close();
    expect(await next).toBe("unavailable: the server is stopping");
  });
});
