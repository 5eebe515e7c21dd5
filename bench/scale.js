/**
 * A million live registrations in one mock in this process: how fast the last are created beside the first, and beside
 * those of a world that has few, what each takes of the heap, what a page costs at the beginning and at the end, and how
 * long the event loop is held up when all leases lapse at one instant, while somebody watches.
 *   npm run bench:scale [-- RUNNERS]
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { EventService } from "../dist/gen/gitpod/v1/event_pb.js";
import { RunnerSchema, RunnerService } from "../dist/gen/gitpod/v1/runner_pb.js";
import { startRunnerMock } from "../dist/index.js";
import { heapBytes, heldUp, median, round, timed } from "./figures.js";

const runners = Number(process.argv[2] ?? 1_000_000);
const tenth = runners / 10;

const mock = await startRunnerMock({ maxCalls: 100, maxAuditLogEntries: 100, maxLapsed: runners });
await mock.clock.freeze();
const client = createClient(RunnerService, mock.transport());
const result = { runners };
const note = (what) => console.error(`${Math.round(performance.now() / 1_000)} s: ${what}`);

// A machine changes its speed within minutes: for each tenth there are some creations in a world that stays small.
const few = await mock.worlds.create("few");
await few.clock.freeze();
const clientOfFew = createClient(RunnerService, few.transport());
const createIn = (target, count) =>
  timed(async () => {
    for (let i = 0; i < count; i++) await target.createRunner({ name: "One of a million", provider: 1 });
  });

// Warm.
for (const target of [client, clientOfFew]) await createIn(target, 2_000);
const heapBefore = heapBytes();
const tenths = [];
for (let part = 0; part < 10; part++) {
  let [ms, fewMs] = [0, 0];
  for (let slice = 0; slice < 20; slice++) {
    ms += await createIn(client, tenth / 20);
    fewMs += (await createIn(clientOfFew, tenth / 200)) * 10;
  }
  tenths.push({ ms, fewMs });
  await few.reset();
  await few.clock.freeze();
}
const [first, last] = [tenths[0], tenths[9]];
result.createdPerSecond = Math.round(runners / (tenths.reduce((sum, { ms }) => sum + ms, 0) / 1_000));
result.lastBesideFirst = round(first.ms / last.ms);
// What the machine did meanwhile is not in these.
result.besideFew = tenths.map(({ ms, fewMs }) => round(fewMs / ms));
result.lastBesideFirstBesideFew = round(last.fewMs / last.ms / (first.fewMs / first.ms));
result.heapBytesEach = Math.round((heapBytes() - heapBefore) / runners);
const [example] = (await client.listRunners({ pagination: { pageSize: 1 } })).runners;
result.messageBytes = toBinary(RunnerSchema, create(RunnerSchema, example)).length;

note("created");
let token = "";
const pages = [];
for (let page = 0; page < Math.min(runners / 100, 2_000); page++) {
  const begun = performance.now();
  const { pagination } = await client.listRunners({ pagination: { pageSize: 100, token } });
  pages.push(performance.now() - begun);
  token = pagination?.nextToken ?? "";
}
result.firstPagesMs = round(median(pages.slice(100, 300)), 3);
result.laterPagesMs = round(median(pages.slice(-200)), 3);

note("listed");
const lateRunner = (await client.createRunner({ name: "Renewed", provider: 1 })).runner?.runnerId ?? "";
const renewals = await timed(async () => {
  for (let i = 0; i < 10_000; i++) await mock.runners.renew(lateRunner);
});
result.renewMicros = round(renewals / 10, 2);

note("renewed");
const events = createClient(EventService, mock.transport());
const abort = new AbortController();
let heard = 0;
const watching = (async () => {
  try {
    for await (const _ of events.watchEvents(
      { scope: { case: "organization", value: true } },
      { signal: abort.signal },
    ))
      heard++;
  } catch (error) {
    if (!abort.signal.aborted) throw error;
  }
})();
await new Promise((resolve) => setTimeout(resolve, 100));
const { ms, longestMs } = await heldUp(async () => {
  await mock.clock.advance("31s");
  while (heard < runners) await new Promise((resolve) => setTimeout(resolve, 5));
});
result.lapseSeconds = round(ms / 1_000);
result.lapseHeldUpMs = round(longestMs, 1);
result.lapsesHeard = heard;
abort.abort();
await watching;
await mock.close();
console.log(JSON.stringify(result));
