/**
 * How soon there is something to call: from the start of a process to its first successful CreateRunner, beside bare
 * node:http and Steady; and in this process, start plus close of a mock, and a new world.
 *   npm run bench:start [-- RUNS]
 */
import { once } from "node:events";
import { request } from "node:http";
import { startRunnerMock } from "../dist/index.js";
import { median, round } from "./figures.js";
import { servers, spawned } from "./servers.js";

const runs = Number(process.argv[2] ?? 11);
let port = 19_000;

/** Resolves with whether it was answered with 200. */
function createRunner(port) {
  return new Promise((resolve) => {
    const call = request(
      {
        host: "127.0.0.1",
        port,
        method: "POST",
        path: "/gitpod.v1.RunnerService/CreateRunner",
        headers: { "content-type": "application/json" },
        agent: false,
      },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    call.on("error", () => setTimeout(resolve, 1, false));
    call.end('{"name": "My Runner", "provider": "RUNNER_PROVIDER_AWS_EC2"}');
  });
}

/** @param signal how it is stopped: what it has compiled it keeps for the next time when it is let to */
async function firstCallMs(server, signal = "SIGKILL") {
  port += 2;
  const command = server.command(String(port), "json");
  const begun = performance.now();
  const child = spawned(command, "ignore");
  while (!(await createRunner(port)));
  const ms = performance.now() - begun;
  child.kill(signal);
  await once(child, "exit");
  return ms;
}

const compared = servers.filter(({ name }) => /runner-mock|node:http|Steady/.test(name));
const all = new Map(compared.map(({ name }) => [name, []]));
for (const server of compared) await firstCallMs(server, "SIGTERM");
// In turns, so that what slows the machine slows all.
for (let run = 0; run < runs; run++)
  for (const server of compared) all.get(server.name)?.push(await firstCallMs(server));
const rows = [...all].map(([name, values]) => ({ name, firstCallMs: round(median(values)) }));

const startAndClose = [];
for (let run = 0; run < 60; run++) {
  const begun = performance.now();
  const mock = await startRunnerMock();
  await mock.close();
  startAndClose.push(performance.now() - begun);
}
const mock = await startRunnerMock();
const worlds = [];
for (let run = 0; run < 600; run++) {
  const begun = performance.now();
  await mock.worlds.create(`world-${run}`);
  worlds.push(performance.now() - begun);
}
await mock.close();
console.table(rows);
console.log(
  JSON.stringify({
    rows,
    startAndCloseMs: round(median(startAndClose.slice(20))),
    newWorldMs: round(median(worlds.slice(100))),
  }),
);
