/**
 * A soak: a million calls (or as many as the first argument says) against one mock in this process, and what is left
 * of them in memory. The log of calls and the audit log are bounded, so it must not grow with the calls.
 *   npm run bench:soak [-- CALLS]
 */
import { createClient } from "@connectrpc/connect";
import { RunnerService } from "../dist/gen/gitpod/v1/runner_pb.js";
import { startRunnerMock } from "../dist/index.js";
import { heapBytes } from "./figures.js";

const calls = Number(process.argv[2] ?? 1_000_000);
const steps = 10;

const mock = await startRunnerMock({ lapse: "never" });
const client = createClient(RunnerService, mock.transport());
const { runner } = await client.createRunner({ name: "Soaked", provider: 1 });
const rows = [];
for (let step = 0; step < steps; step++) {
  const begun = performance.now();
  for (let done = 0; done < calls / steps; done += 2) {
    await client.updateRunner({ runnerId: runner.runnerId, name: `Soaked ${done}` });
    await client.getRunner({ runnerId: runner.runnerId });
  }
  const perSecond = Math.round(calls / steps / ((performance.now() - begun) / 1_000));
  rows.push({
    calls: ((step + 1) * calls) / steps,
    heapMb: Math.round(heapBytes() / 2 ** 20),
    logged: mock.calls.list().length,
    perSecond,
  });
}
await mock.close();
console.table(rows);
const [half, end] = [rows[steps / 2 - 1], rows[steps - 1]];
console.log(
  JSON.stringify({
    calls,
    heapMbHalfway: half.heapMb,
    heapMbAtTheEnd: end.heapMb,
    ratio: end.heapMb / half.heapMb,
  }),
);
process.exitCode = end.heapMb > half.heapMb * 1.2 ? 1 : 0;
