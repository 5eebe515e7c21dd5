/**
 * How quick the page stays with many runners in its world and many calls in each second, in Debian's Chromium, both on
 * this machine: how long frames take, and how long it takes until what is typed and pressed is done.
 *   npm run bench:page [-- RUNNERS CALLS_PER_SECOND SECONDS]
 */
import { Agent, request } from "node:http";
import { chromium } from "playwright-core";
import { startRunnerMock } from "../dist/index.js";
import { median, round, timed } from "./figures.js";

const [runners = 10_000, callsPerSecond = 1_000, seconds = 10] = process.argv.slice(2).map(Number);
const agent = new Agent({ keepAlive: true, maxSockets: 16 });

function listRunners(url) {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const path = `${url}/gitpod.v1.RunnerService/ListRunners`;
    const call = request(path, { agent, method: "POST", headers }, (response) =>
      response.resume().on("end", resolve),
    );
    call.on("error", reject).end('{"pagination": {"pageSize": 1}}');
  });
}

/** Calls at that rate until it is stopped; says how many it made. */
function calling(url) {
  const begun = performance.now();
  let made = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - begun) / 1_000) * callsPerSecond;
    for (; made < due; made++) listRunners(url).catch(() => {});
  }, 5);
  return () => {
    clearInterval(timer);
    return Math.round(made / ((performance.now() - begun) / 1_000));
  };
}

const mock = await startRunnerMock({ controlPort: 0, lease: "1h" });
await mock.state.load({ runners: Array.from({ length: runners }, (_, i) => ({ name: `Runner ${i}` })) });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", chromiumSandbox: false });
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
const allThereMs = await timed(async () => {
  await page.goto(mock.controlUrl);
  await page
    .getByRole("table", { name: "Runners" })
    .getByText(`Runner ${runners - 1}`)
    .waitFor();
});
const stop = calling(mock.url);
const frames = page.evaluate(
  `new Promise((resolve) => {
    const gaps = [];
    const begun = performance.now();
    let last = begun;
    const look = (now) => {
      gaps.push(now - last);
      last = now;
      if (now - begun < ${seconds * 1_000}) requestAnimationFrame(look);
      else resolve(gaps);
    };
    requestAnimationFrame(look);
  })`,
);
const find = page.getByLabel("Find runners");
const typedMs = [];
const pressedMs = [];
for (let turn = 0; turn < 5; turn++) {
  const name = `Runner ${1_000 + turn}`;
  typedMs.push(
    await timed(async () => {
      await find.fill(name);
      await page.getByRole("button", { name, exact: true }).waitFor();
    }),
  );
  pressedMs.push(
    await timed(async () => {
      await page.getByRole("button", { name, exact: true }).click();
      await page.getByRole("dialog").waitFor();
    }),
  );
  await page.keyboard.press("Escape");
  await find.fill("");
}
const gaps = (await frames).sort((a, b) => a - b);
const rate = stop();
console.log(
  JSON.stringify({
    runners,
    callsPerSecond: rate,
    allThereMs: round(allThereMs),
    frameMs: round(median(gaps)),
    frame95Ms: round(gaps[Math.floor(gaps.length * 0.95)]),
    longestFrameMs: round(gaps.at(-1)),
    typedMs: round(median(typedMs)),
    pressedMs: round(median(pressedMs)),
    rows: await page.getByRole("row").count(),
  }),
);
await browser.close();
await mock.close();
process.exit();
