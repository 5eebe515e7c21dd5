/**
 * Ten thousand watchers of one mock in this process, who all hear of each of a hundred changes: how long the million
 * deliveries take, how long the event loop is held up at most, and what a watcher takes of the heap. The watchers run
 * in this process, too, and their work is part of it.
 *   npm run bench:watchers [-- WATCHERS]
 */
import { setMaxListeners } from "node:events";
import { createClient } from "@connectrpc/connect";
import { EventService } from "../dist/gen/gitpod/v1/event_pb.js";
import { RunnerService } from "../dist/gen/gitpod/v1/runner_pb.js";
import { startRunnerMock } from "../dist/index.js";
import { heapBytes, heldUp, round, timed } from "./figures.js";

const watchers = Number(process.argv[2] ?? 10_000);
const changes = 100;

const mock = await startRunnerMock({ lapse: "never" });
const runners = createClient(RunnerService, mock.transport());
const events = createClient(EventService, mock.transport());
const { runnerId } = (await runners.createRunner({ name: "Watched", provider: 1 })).runner;

const abort = new AbortController();
setMaxListeners(0, abort.signal);
const heard = new Array(watchers).fill(0);
let deliveries = 0;
const request = { scope: { case: "organization", value: true } };
async function watch(watcher) {
  try {
    for await (const event of events.watchEvents(request, { signal: abort.signal })) {
      if (event.resourceId !== runnerId) throw new Error(`not what was changed: ${event.resourceId}`);
      heard[watcher]++;
      deliveries++;
    }
  } catch (error) {
    if (!abort.signal.aborted) throw error;
  }
}

const heapBefore = heapBytes();
const watching = [];
const openedMs = await timed(async () => {
  const all = mock.calls.waitFor({ rpc: "WatchEvents" }, { count: watchers, timeout: "60s" });
  for (let watcher = 0; watcher < watchers; watcher++) watching.push(watch(watcher));
  await all;
});
const heapBytesEach = Math.round((heapBytes() - heapBefore) / watchers);
const delivered = await heldUp(async () => {
  for (let change = 0; change < changes; change++) {
    await runners.updateRunner({ runnerId, name: `Watched ${change}` });
    await new Promise((resolve) => setImmediate(resolve));
  }
  while (deliveries < watchers * changes) await new Promise((resolve) => setTimeout(resolve, 5));
});
abort.abort();
await Promise.all(watching);
await mock.close();
if (heard.some((count) => count !== changes)) throw new Error("somebody heard too little or too much");
console.log(
  JSON.stringify({
    watchers,
    changes,
    deliveries,
    openSeconds: round(openedMs / 1_000),
    deliverySeconds: round(delivered.ms / 1_000),
    deliveryHeldUpMs: round(delivered.longestMs, 1),
    heapBytesEach,
  }),
);
