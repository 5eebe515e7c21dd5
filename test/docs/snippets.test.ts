/** The README's code blocks are run as a reader would run them, against a mock of the test's own. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished } from "vitest";
import { GatewayService } from "../../src/gen/gitpod/v1/gateway_pb.ts";
import { IdentityService, Principal } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { inPython, pythonSdk } from "../clients/python-sdk/environment.ts";
import { type StartMock, type TestMock, test } from "../support/mock.ts";
import { type Block, codeBlocks } from "./code-blocks.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const readme = readFileSync(`${root}README.md`, "utf8");
const packageJson = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
const blocks = codeBlocks("README.md");

interface Known {
  readonly title: string;
  readonly language: string;
  /** What tells the block from the others of its language. */
  readonly contains: string;
  readonly run: (code: string, mock: TestMock, start: StartMock) => Promise<void>;
  readonly missing?: string | undefined;
}

/** Every block that the README may have, and what must come of it. */
const known: readonly Known[] = [
  {
    title: "the two commands to start with name scripts that there are",
    language: "sh",
    contains: "npm ci",
    async run(code) {
      const commands = code
        .trim()
        .split("\n")
        .map((line) => line.replace(/\s*#.*/, ""));
      expect(commands).toEqual(["npm ci && npm start", "npm ci && npm test"]);
      expect(packageJson.scripts).toMatchObject({ start: expect.any(String), test: expect.any(String) });
    },
  },
  {
    title: "curl creates a runner",
    language: "sh",
    contains: "RunnerService/CreateRunner \\\n",
    async run(code, mock) {
      const { runner, exchangeToken } = JSON.parse(await output("bash", ["-e"], code));
      expect(exchangeToken).toMatch(/^rmock_exchange_/);
      const seen = await mock.runner.getRunner({ runnerId: runner.runnerId });
      expect(seen.runner).toMatchObject({ name: "My Runner", provider: RunnerProvider.AWS_EC2 });
    },
  },
  {
    title: "the Node SDK takes a runner through its life",
    language: "js",
    contains: 'from "@gitpod/sdk"',
    async run(code, mock) {
      expect(await output(process.execPath, ["--input-type=module"], code)).toBe(
        "Production Runner RUNNER_PHASE_ACTIVE\n",
      );
      expect((await mock.runner.listRunners({})).runners).toEqual([]);
    },
  },
  {
    title: "the Python SDK takes a runner through its life",
    language: "python",
    contains: "from gitpod import",
    missing: pythonSdk.missing,
    async run(code, mock) {
      expect(await output(pythonSdk.python, ["-"], code)).toBe("My Runner RUNNER_PHASE_ACTIVE\n");
      expect((await mock.runner.listRunners({})).runners).toEqual([]);
    },
  },
  {
    title: "curl moves the time",
    language: "sh",
    contains: "ControlService",
    async run(code, _, start) {
      const mock = await start({ controlPort: 0 });
      const { runner } = await mock.runner.createRunner({ name: "Lapsing", provider: RunnerProvider.GCP });
      const there = code.replaceAll("http://127.0.0.1:8081", mock.controlUrl ?? "");
      expect(JSON.parse(await output("bash", ["-e"], there)).clock.now).toMatch(/^2026-/);
      await expect(mock.runner.getRunner({ runnerId: runner?.runnerId ?? "" })).rejects.toThrow("not found");
    },
  },
  {
    title: "a fault fails two calls, and all are in the log",
    language: "js",
    contains: "await mock.faults.inject",
    async run(code) {
      expect(await output(process.execPath, ["--input-type=module"], code)).toBe("503 503 200 3\n");
    },
  },
  {
    title: "an identities document says whom tokens stand for",
    language: "yaml",
    contains: "identities:",
    async run(code, _, start) {
      const mock = await start({ identities: await fileWith(code) });
      const seenBy = (bearer: string) =>
        mock.client(IdentityService, { bearer }).getAuthenticatedIdentity({});
      expect((await seenBy("ci-token")).subject?.principal).toBe(Principal.SERVICE_ACCOUNT);
      expect(await seenBy("other-token")).toMatchObject({
        subject: { principal: Principal.USER },
        organizationId: "5c2e1f0a-9b8d-4e7c-a6f5-0123456789ab",
        organizationTier: "core",
      });
    },
  },
  {
    title: "a state document says what there is on a host",
    language: "yaml",
    contains: "scm:",
    async run(code, _, start) {
      const mock = await start({ state: await fileWith(code) });
      const parsed = await mock.runner.parseContextURL({
        contextUrl: "https://git.example.com/team/app/-/tree/feature/login",
      });
      expect(parsed).toMatchObject({ scmId: "gitlab", git: { repo: "app", branch: "feature/login" } });
      const { gateways } = await mock.client(GatewayService).listGateways({});
      expect(gateways.map(({ name }) => name)).toEqual(["local"]);
    },
  },
  {
    title: "a test starts a mock in its own process",
    language: "js",
    contains: "mock.clock.advance",
    async run(code) {
      expect(await output(process.execPath, ["--input-type=module"], code)).toMatch(
        /^http:\/\/127\.0\.0\.1:[1-9]\d*\n$/,
      );
    },
  },
];

/** The path of a file with this text, which goes with the test. */
async function fileWith(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "readme-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "document.yaml");
  await writeFile(path, text);
  return path;
}

/** Runs code that comes by stdin, in the project's folder so that its imports resolve; resolves with its stdout. */
function output(command: string, args: readonly string[], code: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { cwd: root, timeout: 15_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${command} ended with ${error.code ?? error.signal}: ${stderr}`));
    });
    child.stdin?.end(code);
  });
}

const matches = ({ language, contains }: Known, block: Block) =>
  language === block.language && block.code.includes(contains);

describe("the README's code:", () => {
  for (const { title, missing, run, ...what } of known) {
    test(missing === undefined ? title : inPython(title), async ({ mock, start, skip }) => {
      const found = blocks.filter((block) => matches({ title, run, ...what }, block));
      expect(found).toHaveLength(1);
      skip(missing !== undefined, missing);
      for (const { code } of found)
        await run(code.replaceAll("http://127.0.0.1:8080", mock.url), mock, start);
    });
  }

  test("there is none that no test runs", () => {
    // Those that take an engine are test/container/readme.test.ts's; the profile of compose takes others' images, too.
    const contained = (block: Block) => /docker (run|compose)|RunnerMockContainer/.test(block.code);
    const unknown = blocks.filter((block) => !known.some((row) => matches(row, block)));
    expect(unknown.filter((block) => !contained(block))).toEqual([]);
  });

  test("what it tells to install is what is tested", () => {
    const npm = /`npm install @gitpod\/sdk@(\S+)`/.exec(readme)?.[1];
    const lock = JSON.parse(readFileSync(`${root}package-lock.json`, "utf8"));
    expect(npm).toBe(lock.packages["node_modules/@gitpod/sdk"].version);
    expect(readme).toContain(`\`pip install ${pythonSdk.requirement}\``);
  });
});
