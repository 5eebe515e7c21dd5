/** What the command line says and does while it serves; how it stops is in stop.test.ts. */
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import module from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";
import { describe } from "vitest";
import { environment, mainJs, type Running, test } from "../support/command-line.ts";
import { post, rpc } from "../support/post.ts";

const runner = { name: "My Runner", provider: "RUNNER_PROVIDER_AWS_EC2" };
const unknownId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";

/** Creates a runner by the curl line that a mock greets with. */
async function createAsGreeted({ stdout: greeting }: Running) {
  const curl = /^ {2}(curl .*)$/m.exec(greeting)?.[1] ?? "";
  const { stdout } = await promisify(execFile)("bash", ["-ec", curl]);
  return JSON.parse(stdout).runner;
}

describe("a mock that serves", () => {
  test.concurrent("with a seed that is drawn says which, and with it another is unkind in the same way", async ({
    commandLine,
    expect,
  }) => {
    const mock = await commandLine.serve([
      "--adversity",
      "--adversity-level=0.5",
      "--adversity-kinds=rate-limits",
    ]);
    const again = /^ {2}adversity, which (--adversity \d+) brings about again$/m.exec(mock.stdout)?.[1] ?? "";
    const other = await commandLine.serve([...again.split(" "), "--adversity-level=0.5"], {
      RUNNER_MOCK_ADVERSITY: "off",
      RUNNER_MOCK_ADVERSITY_KINDS: "rate-limits",
    });
    const statuses = async ({ url }: Running) => {
      const all: number[] = [];
      for (let i = 0; i < 20; i++) all.push((await post(url + rpc.listRunners, {})).status);
      return all;
    };
    const met = await statuses(mock);
    expect(new Set(met)).toEqual(new Set([200, 429]));
    expect(await statuses(other)).toEqual(met);
  });

  test.concurrent("keeps what it has compiled before it ends, where Node can: it may be killed", async ({
    commandLine,
    expect,
    onTestFinished,
  }) => {
    const folder = mkdtempSync(join(tmpdir(), "compiled-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    await commandLine.serve([], { NODE_COMPILE_CACHE: folder });
    const kept = () => readdirSync(folder, { recursive: true }).length > 1;
    // The rules are loaded first, which takes a busy machine more than a second.
    await expect.poll(kept, { timeout: 10_000 }).toBe("flushCompileCache" in module);
  });

  test.concurrent.for([
    ["said by", ["serve"]],
    ["left to", []],
  ] as const)(
    "%s its arguments greets on stdout with the port that it picked and a curl line that works, and logs JSON lines on stderr",
    async ([, args], { commandLine, expect }) => {
      const mock = await commandLine.serve(args);
      expect(mock.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
      const greeting = mock.stdout;
      expect(greeting.split("\n")).toEqual([
        `gitpod-runner-mock listens on ${mock.url}`,
        expect.stringContaining(`${mock.url}/api/gitpod.v1.RunnerService/`),
        expect.stringContaining(`${mock.url}/w/NAME`),
        expect.stringContaining(`${mock.url}/healthz`),
        expect.stringMatching(/^ {2}control http:\/\/127\.0\.0\.1:[1-9]\d*\/runnermock\.v1\.ControlService/),
        expect.stringMatching(/^ {2}page {4}http:\/\/127\.0\.0\.1:[1-9]\d*\/ /),
        "Try:",
        expect.stringMatching(/^ {2}curl /),
        "",
      ]);
      expect(await createAsGreeted(mock)).toMatchObject(runner);
      expect((await post(mock.url + rpc.getRunner, { runnerId: unknownId })).status).toBe(404);
      await mock.logged('"refused"');
      mock.signal("SIGTERM");
      const { code, stdout, stderr } = await mock.ended;
      expect([code, stdout]).toEqual([0, greeting]);
      const log = stderr
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(log).toContainEqual(
        expect.objectContaining({
          rpc: "gitpod.v1.RunnerService/GetRunner",
          code: "not_found",
          reason: "runner not found",
          msg: "refused",
        }),
      );
      expect(log.filter(({ level }) => level >= 40)).toEqual([]);
    },
  );

  test.concurrent("greets with the URL by which it is reached, and says nothing else if told to be silent", async ({
    commandLine,
    expect,
  }) => {
    const mock = await commandLine.serve(["--log-level", "silent"], {
      RUNNER_MOCK_PUBLIC_URL: "https://mock.example.com/base/",
    });
    expect(mock.stdout).toMatch(
      /^gitpod-runner-mock listens on http:\/\/127\.0\.0\.1:\d+, reached as https:\/\/mock\.example\.com\/base$/m,
    );
    expect(mock.stdout).toContain(
      "  curl https://mock.example.com/base/gitpod.v1.RunnerService/CreateRunner ",
    );
    expect((await post(mock.url + rpc.getRunner, { runnerId: unknownId })).status).toBe(404);
    mock.signal("SIGTERM");
    expect(await mock.ended).toMatchObject({ code: 0, stderr: "" });
  });

  test.concurrent("beside another has a port and runners of its own, and outlives it", async ({
    commandLine,
    expect,
  }) => {
    const [one, other] = await Promise.all([
      commandLine.serve([], { RUNNER_MOCK_PORT: "0" }),
      commandLine.serve(),
    ]);
    expect(one.url).not.toBe(other.url);
    const { runnerId } = await createAsGreeted(other);
    expect((await post(one.url + rpc.getRunner, { runnerId })).status).toBe(404);
    one.signal("SIGTERM");
    expect(await one.ended).toMatchObject({ code: 0 });
    expect((await post(other.url + rpc.getRunner, { runnerId })).body.runner).toMatchObject(runner);
  });
});

describe("where it cannot listen, it says why in one line and exits with 1:", () => {
  test.concurrent("the port is in use", async ({ commandLine, expect, onTestFinished }) => {
    const holder = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void holder.close());
    await once(holder, "listening");
    const { port } = holder.address() as AddressInfo;
    const { code, stdout, stderr } = await commandLine.run(["--port", `${port}`]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(
      new RegExp(`^error: port ${port} on 127\\.0\\.0\\.1 is in use: [^\n]*--port[^\n]*\n$`),
    );
    const control = await commandLine.run(["--port", "0", "--control-port", `${port}`]);
    expect([control.code, control.stdout]).toEqual([1, ""]);
    expect(control.stderr).toMatch(new RegExp(`^error: port ${port} [^\n]*--control-port[^\n]*\n$`, "m"));
  });

  test.concurrent("the address is none of this machine", async ({ commandLine, expect }) => {
    // A documentation address (RFC 5737): no machine has it.
    const { code, stdout, stderr } = await commandLine.run(["--port", "0", "--host", "192.0.2.1"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^error: [^\n]*192\.0\.2\.1[^\n]*--host[^\n]*\n$/);
  });
});

describe("at a terminal", () => {
  /** Runs a command at a terminal of its own; what comes by stdin is typed there. */
  const atTerminal = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
  const noTerminal =
    spawnSync("python3", ["-c", "import os, pty; os.waitstatus_to_exitcode"]).status === 0
      ? undefined
      : "there is no python3 of 3.9 or newer to open a terminal with";
  const title = "the log is for people's eyes, and Ctrl-C ends it";
  if (noTerminal !== undefined) {
    // biome-ignore lint/suspicious/noConsole: who reads the results must hear of what did not run
    console.warn(`skipped: at a terminal ${title}: ${noTerminal}`);
  }

  test.concurrent(
    noTerminal === undefined ? title : `${title} (skipped: ${noTerminal})`,
    async ({ skip, expect, onTestFinished }) => {
      skip(noTerminal !== undefined, noTerminal);
      const terminal = spawn("python3", ["-c", atTerminal, process.execPath, mainJs, "--port", "0"], {
        env: environment,
      });
      const ended = once(terminal, "close");
      onTestFinished(async () => {
        // With the terminal gone, what runs at it is hung up.
        terminal.kill("SIGKILL");
        await ended;
      });
      let screen = "";
      const shows = (text: RegExp) =>
        new Promise<RegExpExecArray>((resolve, reject) => {
          const look = () => {
            const found = text.exec(stripVTControlCharacters(screen).replaceAll("\r", ""));
            if (found !== null) resolve(found);
          };
          terminal.stdout.on("data", look);
          ended.then(([code]) => reject(new Error(`it ended with ${code}: ${screen}`)));
          look();
        });
      terminal.stdout.setEncoding("utf8").prependListener("data", (chunk) => {
        screen += chunk;
      });
      const [, url] = await shows(/listens on (\S+)\n(?:.*\n)+? {2}curl .*\n/);
      await post(url + rpc.getRunner, { runnerId: unknownId });
      await shows(
        /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO\b.*: refused\n(?: {4}.*\n)*? {4}reason: "runner not found"\n/m,
      );
      terminal.stdin.write("\x03");
      await shows(/\[\d\d:\d\d:\d\d\.\d{3}\] INFO: stopping\n/);
      expect((await ended)[0]).toBe(0);
      expect(screen).not.toContain('{"level"');
    },
  );
});
