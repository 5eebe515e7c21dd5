/**
 * The life of a registration, over and over, as JSON: CreateRunner, GetRunner, CreateRunnerToken, ExchangeToken
 * (which renews it), UpdateRunner, DeleteRunner. h2load cannot use an answer in the next call, so this process makes
 * the load. It shares the cores with the mock and is about as slow, so it compares the mock with itself only: the
 * short way for unary calls, and Connect's handlers (`--lean off`).
 *   npm run bench:mixed [-- SECONDS]
 */
import { once } from "node:events";
import { Agent, request } from "node:http";
import { text } from "node:stream/consumers";
import { median, round } from "./figures.js";
import { servers, start } from "./servers.js";

const seconds = Number(process.argv[2] ?? 3);
const rounds = 3;
const connections = 16;
const agent = new Agent({ keepAlive: true });
const headers = { "content-type": "application/json" };
const options = { agent, host: "127.0.0.1", method: "POST", headers };
let port = 20_000;

async function call(rpc, message) {
  const sent = request({ ...options, port, path: `/gitpod.v1.${rpc}` });
  sent.end(JSON.stringify(message));
  const [response] = await once(sent, "response");
  const answer = await text(response);
  if (response.statusCode !== 200) throw new Error(`${rpc}: ${answer}`);
  return JSON.parse(answer);
}

const callsOfALife = 6;
async function live() {
  const created = { name: "My Runner", provider: "RUNNER_PROVIDER_AWS_EC2" };
  const { runnerId } = (await call("RunnerService/CreateRunner", created)).runner;
  await call("RunnerService/GetRunner", { runnerId });
  const { exchangeToken } = await call("RunnerService/CreateRunnerToken", { runnerId });
  await call("IdentityService/ExchangeToken", { exchangeToken });
  await call("RunnerService/UpdateRunner", { runnerId, name: "Renamed" });
  await call("RunnerService/DeleteRunner", { runnerId });
}

/** Lives on each connection for that long. @returns how long each life took */
async function lived(ms) {
  const took = [];
  const end = performance.now() + ms;
  const oneAfterAnother = async () => {
    for (let begun = performance.now(); begun < end; begun = performance.now()) {
      await live();
      took.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: connections }, oneAfterAnother));
  return took;
}

async function measure(lean) {
  const command = (port) => [...servers[0].command(port), "--lean", lean];
  const running = await start({ ...servers[0], command }, ++port);
  try {
    await lived(2_000);
    const [begun, cpuBefore] = [performance.now(), running.cpuSeconds()];
    const took = await lived(seconds * 1_000);
    const calls = took.length * callsOfALife;
    const cpuMicros = ((running.cpuSeconds() - cpuBefore) / calls) * 1e6;
    return { perSecond: (calls / (performance.now() - begun)) * 1_000, lifeMs: median(took), cpuMicros };
  } finally {
    await running.stop();
  }
}

const results = { on: [], off: [] };
// In turns, so that what slows the machine slows both.
for (let done = 0; done < rounds; done++)
  for (const [lean, measured] of Object.entries(results)) measured.push(await measure(lean));
const rows = Object.entries(results).map(([lean, measured]) => {
  const of = (name) => round(median(measured.map((each) => each[name])), 1);
  return { lean, perSecond: of("perSecond"), lifeMs: of("lifeMs"), cpuMicros: of("cpuMicros") };
});
console.table(rows);
console.log(JSON.stringify({ connections, seconds, rounds, rows }));
