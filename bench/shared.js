/**
 * What a shared store costs: CreateRunner as JSON at 1, 2 and 3 replicas on one engine, as a ratio to one mock in memory,
 * taken in turns. Replicas, engine and load share the cores: what more replicas bring is only seen where there are more.
 *   npm run bench:shared [-- --quick]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { median, round } from "./figures.js";
import { checked, generator, load } from "./load.js";
import { start } from "./servers.js";

const quick = process.argv.includes("--quick");
const time = quick ? { seconds: 2, warmUpSeconds: 4 } : { seconds: 5, warmUpSeconds: 10 };
const rounds = quick ? 1 : 3;
const enginePort = 18_900;
const connections = 16;
const main = fileURLToPath(new URL("../bundle/dist/cli/main.js", import.meta.url));

const mock = (...args) => ({
  name: "gitpod-runner-mock",
  command: (port) => ["node", main, "--log-level", "warn", "--port", port, "--control-port", "off", ...args],
});
const sharing = mock("--store", `redis://127.0.0.1:${enginePort}`, "--store-key", "the key of the bench");

async function measure(server, replicas, port) {
  const ports = Array.from({ length: replicas }, (_, index) => port + index);
  const running = await Promise.all(ports.map((each) => start(server, each)));
  try {
    await checked("json", port);
    const cpu = () => running.reduce((sum, { cpuSeconds }) => sum + cpuSeconds(), 0);
    const before = cpu();
    const results = await Promise.all(ports.map((each) => load("json", each, connections, time)));
    const share = time.seconds / (time.seconds + time.warmUpSeconds);
    const requests = results.reduce((sum, result) => sum + result.requests, 0);
    return {
      perSecond: requests / time.seconds,
      p50Ms: Math.max(...results.map(({ p50Ms }) => p50Ms)),
      cpuMicros: (((cpu() - before) * share) / requests) * 1e6,
    };
  } finally {
    await Promise.all(running.map((each) => each.stop()));
  }
}

console.log(generator());
const engine = spawn("redis-server", ["--port", String(enginePort), "--save", ""], { stdio: "ignore" });
engine.on("error", () => console.error("the bench takes redis-server: bash scripts/setup-store.sh"));
try {
  const ways = [[mock(), 1, "memory"], ...[1, 2, 3].map((replicas) => [sharing, replicas, "shared"])];
  const results = ways.map(() => []);
  let port = 18_000;
  for (let done = 0; done < rounds; done++) {
    for (const [index, [server, replicas]] of ways.entries()) {
      results[index].push(await measure(server, replicas, port));
      port += replicas;
    }
  }
  const of = (all, name, digits) => round(median(all.map((each) => each[name])), digits);
  const memory = of(results[0], "perSecond", 0);
  const rows = ways.map(([, replicas, store], index) => ({
    store,
    replicas,
    perSecond: of(results[index], "perSecond", 0),
    ofMemory: round(of(results[index], "perSecond", 0) / memory),
    p50Ms: of(results[index], "p50Ms", 2),
    cpuMicros: of(results[index], "cpuMicros", 0),
  }));
  console.table(rows);
  console.log(JSON.stringify({ cores: cpus().length, node: "24", ...time, rounds, connections, rows }));
} finally {
  engine.kill();
  if (engine.exitCode === null) await once(engine, "exit");
}
