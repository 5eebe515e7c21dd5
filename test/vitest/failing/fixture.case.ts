/** What the fixture does not let pass, and what it does. */
import { createClient } from "@connectrpc/connect";
import { EventService } from "../../../src/gen/gitpod/v1/event_pb.ts";
import { RunnerService } from "../../../src/gen/gitpod/v1/runner_pb.ts";
import { test } from "../../../src/vitest.ts";

test("leaves a stream open", async ({ runnerMock }) => {
  const watch = createClient(EventService, runnerMock.transport()).watchEvents({})[Symbol.asyncIterator]();
  watch.next().catch(() => {});
  await runnerMock.calls.waitFor({ rpc: "WatchEvents" });
});

test("meets a bug", async ({ runnerMock }) => {
  // Nobody can find a bug of ours on demand; so this one is made: the clock breaks once.
  const { nowMs } = runnerMock.clock;
  const broken = () => {
    Object.assign(runnerMock.clock, { nowMs });
    throw new Error("made for this test");
  };
  Object.assign(runnerMock.clock, { nowMs: broken });
  await createClient(RunnerService, runnerMock.transport())
    .createRunner({ name: "My Runner", provider: 1 })
    .catch(() => {});
});

test("meets an injected internal error", async ({ runnerMock }) => {
  await runnerMock.faults.inject({ effect: { case: "error", value: { code: "internal" } } });
  await createClient(RunnerService, runnerMock.transport())
    .listRunners({})
    .catch(() => {});
});

test("closes its stream", async ({ runnerMock }) => {
  const abort = new AbortController();
  const options = { signal: abort.signal };
  const watch = createClient(EventService, runnerMock.transport())
    .watchEvents({}, options)
    [Symbol.asyncIterator]();
  const ended = watch.next().catch(() => {});
  await runnerMock.calls.waitFor({ rpc: "WatchEvents" });
  abort.abort();
  await ended;
});

test("fails amid adversity", async ({ runnerMock }) => {
  await runnerMock.adversity.start({ seed: 42, kinds: ["short-pages", "redirects"] });
  throw new Error("it could not bear it");
});
