/** The campaign as a command: over a client with three planted bugs, and over what it cannot run. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished } from "vitest";
import { environment, mainJs, test } from "../support/command-line.ts";

const client = fileURLToPath(new URL("../adversity/client-with-bugs.js", import.meta.url));
const node = process.execPath;

/** What is reported to have broken the command. */
const causesIn = (report: string) =>
  [...report.matchAll(/^(.*) broke \d+ runs?,/gm)].map(([, kinds]) => kinds).sort();

describe("a campaign over a client with three planted bugs", { timeout: 120_000 }, () => {
  const args = [
    "adversity",
    "--runs",
    "12",
    "--adversity",
    "1",
    "--adversity-level",
    "0.3",
    "--",
    node,
    client,
  ];

  test("finds and names all three, and the lines that it prints bring each about again", async ({
    commandLine,
  }) => {
    const { code, stdout, stderr } = await commandLine.run(args);
    expect([code, stderr]).toEqual([1, ""]);
    expect(causesIn(stdout)).toEqual(["redirects", "short-pages", "unknown-enum-values"]);
    expect(stdout).toContain("  | Error: what is RUNNER_PHASE_ADDED_LATER?");
    const lines = [...stdout.matchAll(/^ {2}gitpod-runner-mock (.* -- ).*$/gm)].map(([, line = ""]) => line);
    for (const line of lines) {
      const again = await commandLine.run([...line.trim().split(" "), node, client]);
      expect(again.code).toBe(1);
      expect(causesIn(again.stdout)).toEqual([/--adversity-kinds (\S+)/.exec(line)?.[1]]);
    }
  });

  test("finds nothing once they are mended", async ({ commandLine }) => {
    const { code, stdout } = await commandLine.run([...args, "without", "last-page", "redirect", "phase"]);
    expect([code, stdout]).toEqual([0, "12 runs from seed 1 on: nothing broke the command.\n"]);
  });

  test("finds the one that is left", async ({ commandLine }) => {
    const { code, stdout } = await commandLine.run([...args, "without", "last-page", "redirect"]);
    expect([code, causesIn(stdout)]).toEqual([1, ["unknown-enum-values"]]);
  });
});

const script = (code: string) => ["--", node, "-e", code];

test.concurrent.for([
  [
    "fails without any adversity",
    script('console.log("no way"); process.exit(3)'),
    /^error: the command fails without any adversity\n {2}\| no way\n$/,
  ],
  ["is not there", ["--", "no-such-program"], /^error: cannot run "no-such-program": .*ENOENT\n$/],
  [
    "takes too long",
    ["--run-timeout", "300ms", ...script("setTimeout(() => {}, 60_000)")],
    /it was ended after 300 ms/,
  ],
  ["is not named", [], /missing required argument 'command'/],
  [
    "is to be run no times",
    ["--runs", "0", ...script("")],
    /--runs.* It takes a whole number from 1 to 1000000/,
  ],
] as const)(
  "a command that %s ends it with exit code 2",
  { timeout: 60_000 },
  async ([, args, text], { commandLine, expect }) => {
    const { code, stdout, stderr } = await commandLine.run(["adversity", ...args]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(text);
  },
);

test("a command finds its mock, in a world of its own, by its environment", { timeout: 60_000 }, async ({
  commandLine,
}) => {
  const code = `
    const { RUNNER_MOCK_URL: url, RUNNER_MOCK_WORLD: world, GITPOD_BASE_URL, ONA_BASE_URL, TEST_API_BASE_URL } = process.env;
    const rpc = "/gitpod.v1.RunnerService/";
    const post = (base, name, body) => fetch(base + rpc + name, { method: "POST", headers: { "content-type": "application/json" }, body });
    const { runners = [] } = await (await post(url, "ListRunners", "{}")).json();
    if (runners.length > 0) throw new Error("somebody was here before");
    for (const base of [GITPOD_BASE_URL, ONA_BASE_URL, TEST_API_BASE_URL])
      await post(base, "CreateRunner", JSON.stringify({ name: world, provider: "RUNNER_PROVIDER_GCP" }));
    const { runners: all } = await (await post(url, "ListRunners", "{}")).json();
    if (!url.endsWith("/w/" + world) || all.length !== 3) throw new Error(url + " has " + all.length);`;
  const args = [
    "adversity",
    "--runs",
    "3",
    "--adversity-kinds",
    "json-layout",
    "--lease",
    "1h",
    "--public-url",
    "https://mock.example.com",
  ];
  const {
    code: exitCode,
    stdout,
    stderr,
  } = await commandLine.run([...args, "--", node, "--input-type=module", "-e", code]);
  expect([exitCode, stdout, stderr]).toEqual([0, expect.stringContaining("nothing broke"), ""]);
});

test("stopped by Ctrl-C, it ends the command that it runs, too", { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "campaign-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "pid");
  const code = `require("node:fs").writeFileSync(${JSON.stringify(file)}, String(process.pid)); setInterval(() => {}, 1_000);`;
  const campaign = spawn(node, [mainJs, "adversity", ...script(code)], { env: environment, stdio: "ignore" });
  const exited = once(campaign, "exit");
  onTestFinished(() => void campaign.kill("SIGKILL"));
  const pid = async () => Number(await readFile(file, "utf8").catch(() => "0"));
  await expect.poll(pid, { timeout: 30_000 }).toBeGreaterThan(0);
  campaign.kill("SIGINT");
  expect(await exited).toEqual([130, null]);
  const command = await pid();
  await expect.poll(() => isRunning(command)).toBe(false);
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
