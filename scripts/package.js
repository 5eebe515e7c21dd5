/**
 * Tries the package as those who install it will: what is in it, what publint and Are The Types Wrong say of it, and on
 * each Node, in an empty project, its command, each of its entry points from ES modules and from CommonJS, and its types.
 *   npm run test:package
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { nodeVersions, pathWithNode } from "./nodes.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
const work = mkdtempSync(join(tmpdir(), "package-"));

/** Testcontainers asks for a newer Node from its version 12 on. */
const testcontainersFor = (version) => (version.startsWith("20.") ? "11" : "latest");

function fail(message) {
  console.error(`package: ${message}`);
  process.exit(1);
}

function run(command, args, options = {}) {
  try {
    return execFileSync(command, args, { cwd: work, encoding: "utf8", stdio: "pipe", ...options });
  } catch (error) {
    return fail(`${command} ${args.join(" ")}: ${error.message}\n${error.stdout ?? ""}${error.stderr ?? ""}`);
  }
}

/** Packs it, and looks at what is inside. */
function pack() {
  const [packed] = JSON.parse(
    run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", work], { cwd: root }),
  );
  const needed =
    /^(dist\/.*\.(js|d\.ts)|(bundle\/)?dist\/page\/.*\.(html|js|css|md)|bundle\/(dist\/cli\/.*\.js|package\.json|LICENSE|THIRD-PARTY-LICENSES)|proto\/.*\.proto|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/;
  const needless = packed.files.map(({ path }) => path).filter((path) => !needed.test(path));
  if (needless.length > 0) fail(`nobody needs ${needless.join(", ")}`);
  console.log(
    `package: ${packed.files.length} files, ${Math.round(packed.size / 1024)} KiB packed, ${Math.round(packed.unpackedSize / 1024)} KiB unpacked`,
  );
  return join(work, packed.filename);
}

async function judge(tarball) {
  const { messages, pkg } = await publint({ pkgDir: root, strict: true });
  if (messages.length > 0) fail(`publint: ${messages.map((each) => formatMessage(each, pkg)).join("\n")}`);
  // ES modules alone, which CommonJS can require on every Node that the package takes.
  run("npx", ["attw", tarball, "--profile", "esm-only", "--no-color"], { cwd: root });
  console.log("package: publint and attw find nothing");
}

/** What a program says that has loaded every entry point. */
const loadedAll = `startRunnerMock RunnerMockContainer ${manifest.version}`;

const programs = {
  "load.mjs": `
    import { startRunnerMock } from "gitpod-runner-mock";
    import { RunnerMockContainer } from "gitpod-runner-mock/testcontainers";
    import manifest from "gitpod-runner-mock/package.json" with { type: "json" };
    await (await startRunnerMock()).close();
    console.log(startRunnerMock.name, RunnerMockContainer.name, manifest.version);`,
  "load.cjs": `
    const { startRunnerMock } = require("gitpod-runner-mock");
    const { RunnerMockContainer } = require("gitpod-runner-mock/testcontainers");
    const { version } = require("gitpod-runner-mock/package.json");
    startRunnerMock().then(async (mock) => {
      await mock.close();
      console.log(startRunnerMock.name, RunnerMockContainer.name, version);
    });`,
  "fixture.test.js": `
    import { expect, test } from "gitpod-runner-mock/vitest";
    test("a world of its own", async ({ runnerMock }) => {
      expect((await fetch(runnerMock.url + "/readyz")).status).toBe(200);
    });`,
  "types.ts": `
    import { type RunnerMock, startRunnerMock } from "gitpod-runner-mock";
    import { RunnerMockContainer } from "gitpod-runner-mock/testcontainers";
    import { test } from "gitpod-runner-mock/vitest";
    const mock: RunnerMock = await startRunnerMock({ lease: "5s" });
    const { control } = await new RunnerMockContainer().withProfile("observed").start();
    await control.advanceClock({ by: { seconds: 31n } });
    test("typed", ({ runnerMock }) => void runnerMock.clock.advance("31s"));
    // @ts-expect-error: no option of that name
    await startRunnerMock({ leese: "5s" });
    export { mock };`,
};

function tryOn(version, tarball) {
  const folder = join(work, `node-${version}`);
  mkdirSync(folder);
  for (const [file, code] of Object.entries(programs)) writeFileSync(join(folder, file), code);
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "empty", private: true, type: "module" }),
  );
  const env = { ...process.env, PATH: pathWithNode(version), NO_COLOR: "1" };
  const here = { cwd: folder, env };
  const install = (...packages) =>
    run("sh", ["-c", `npm install --no-audit --no-fund ${packages.join(" ")} 2>&1`], here);

  const warnings = install(tarball).match(/^npm warn.*/gim) ?? [];
  if (warnings.length > 0 && !version.startsWith("20.")) fail(`Node ${version}: ${warnings.join("\n")}`);
  const said = run("npx", ["--no-install", "gitpod-runner-mock", "--version"], here).trim();
  if (said !== manifest.version) fail(`Node ${version}: --version says ${said}`);

  install("vitest", `testcontainers@${testcontainersFor(version)}`, "typescript@5.9", "@types/node@22");
  for (const file of ["load.mjs", "load.cjs"]) {
    const loaded = run("node", ["--no-warnings", file], here).trim();
    if (loaded !== loadedAll) fail(`Node ${version}: ${file} says ${loaded}`);
  }
  run("npx", ["--no-install", "vitest", "run"], here);
  for (const [module, moduleResolution] of [
    ["node16", "node16"],
    ["esnext", "bundler"],
  ]) {
    const options = ["--module", module, "--moduleResolution", moduleResolution, "--target", "es2022"];
    const lib = ["--lib", "es2023,esnext.disposable,dom"];
    run(
      "npx",
      ["--no-install", "tsc", "--noEmit", "--strict", "--skipLibCheck", ...options, ...lib, "types.ts"],
      here,
    );
  }
  const real = run("node", ["--version"], here).trim();
  console.log(
    `package: on Node ${real} it installs ${warnings.length === 0 ? "without a warning" : `with ${warnings.length} warnings`}, runs, loads from ES modules and CommonJS, and has its types`,
  );
}

const tarball = pack();
await judge(tarball);
for (const version of nodeVersions) tryOn(version, tarball);
rmSync(work, { recursive: true });
