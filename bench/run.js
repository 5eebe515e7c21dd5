/**
 * How fast the mock is beside others, in ratios: every row is taken in one run on one machine. The servers run on
 * Node 24, and share the cores with the load. `perCore` is calls per second of CPU that the server took: the fairer
 * figure beside servers that use more than one core, as those in Go do.
 *   npm run bench [-- --quick] [--only=KIND,…]
 */
import { cpus, release } from "node:os";
import { median, round } from "./figures.js";
import { checked, generator, load } from "./load.js";
import { servers, start } from "./servers.js";

const options = process.argv.slice(2);
const only = options
  .find((each) => each.startsWith("--only="))
  ?.slice(7)
  .split(",");
const quick = options.includes("--quick");
/** A server's code is as fast as it gets after some 50,000 calls. */
const time = quick ? { seconds: 2, warmUpSeconds: 2 } : { seconds: 5, warmUpSeconds: 8 };
const rounds = quick ? 1 : 3;

/** Kind of call and number of connections. */
const loads = [
  ["json", 16],
  ["json", 1],
  ["json", 256],
  ["get", 16],
  ["proto", 16],
  ["h2c json", 16],
  ["grpc", 16],
  ["grpc", 256],
].filter(([kind]) => only === undefined || only.includes(kind));

async function measure(server, kind, connections, port) {
  const running = await start(server, port, kind);
  try {
    const runnerId = await checked(kind, port);
    const cpuBefore = running.cpuSeconds();
    const result = await load(kind, port, connections, time, runnerId);
    // The warm-up is in it, too, so by its share of the time.
    const share = time.seconds / (time.seconds + time.warmUpSeconds);
    const cpuSeconds = (running.cpuSeconds() - cpuBefore) * share;
    return { ...result, cpuMicros: (cpuSeconds / result.requests) * 1e6, rssMb: running.rssMb() };
  } finally {
    await running.stop();
  }
}

console.log(generator());
const rows = [];
const missing = new Map();
let port = 18_000;
for (const [kind, connections] of loads) {
  const results = new Map(servers.filter(({ takes }) => takes.includes(kind)).map((server) => [server, []]));
  // In turns, so that what slows the machine slows all.
  for (let done = 0; done < rounds; done++) {
    for (const [server, ofServer] of results) {
      const what = `${server.name}, ${kind}`;
      if (missing.has(what)) continue;
      port += 2;
      try {
        ofServer.push(await measure(server, kind, connections, port));
      } catch (error) {
        missing.set(what, error.message.split("\n")[0].slice(0, 160));
      }
    }
  }
  for (const [server, ofServer] of results) {
    if (ofServer.length < rounds) continue;
    const of = (name, digits) => round(median(ofServer.map((each) => each[name])), digits);
    rows.push({
      kind,
      connections,
      server: server.name,
      perSecond: of("perSecond", 0),
      p50Ms: of("p50Ms", 2),
      p99Ms: of("p99Ms", 2),
      cpuMicros: of("cpuMicros", 0),
      perCore: round(1e6 / of("cpuMicros"), 0),
      rssMb: of("rssMb", 0),
    });
  }
}
for (const row of rows) {
  const ours = rows.find(
    ({ kind, connections, server }) =>
      kind === row.kind && connections === row.connections && server === servers[0].name,
  );
  row.oursIs = ours && round(ours.perSecond / row.perSecond);
}
console.table(rows);
for (const [what, why] of missing) console.log(`not measured: ${what}: ${why}`);
const machine = `${cpus()[0]?.model.trim()}, ${cpus().length} cores, Linux ${release()}`;
console.log(JSON.stringify({ machine, node: "24", ...time, rounds, rows, missing: [...missing] }));
