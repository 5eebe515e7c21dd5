/**
 * The built command line (`npm run build`) as a child process, on real ports. Whatever a test leaves running is ended
 * after it.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { test as base, expect } from "vitest";
import { hasSecret } from "./mock.ts";

export const mainJs = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** The variables that the tests run with, without the mock's own. */
export const environment: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith("RUNNER_MOCK_")),
);

/** Variables on top of those. */
export type Variables = Readonly<Record<string, string>>;

export interface Ended {
  /** The exit code; null: ended by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  /** What it says it listens on. */
  readonly url: string;
  /** What it has written so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves once it has written a line to stderr that contains the text. */
  logged(text: string): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** Resolves once it has ended. */
  readonly ended: Promise<Ended>;
}

export interface CommandLine {
  /** Runs it until it ends by itself. */
  run(args: readonly string[], variables?: Variables): Promise<Ended>;
  /** Starts a mock and resolves once it has said where it listens; `--port 0` unless it is told another one. */
  serve(args?: readonly string[], variables?: Variables): Promise<Running>;
}

export const test = base.extend<{ commandLine: CommandLine }>({
  commandLine: async ({ task: _ }, use) => {
    const started: Process[] = [];
    const start = (args: readonly string[], variables: Variables) => {
      const process = new Process(args, variables);
      started.push(process);
      return process;
    };
    await use({
      run: (args, variables = {}) => start(args, variables).ended,
      async serve(args = [], variables = {}) {
        const port = args.includes("--port") || "RUNNER_MOCK_PORT" in variables ? [] : ["--port", "0"];
        const process = start([...args, ...port], variables);
        await process.greeted;
        return process;
      },
    });
    for (const process of started) process.signal("SIGKILL");
    await Promise.all(started.map(({ ended }) => ended));
    expect(started.filter(({ stdout, stderr }) => hasSecret(stdout + stderr))).toEqual([]);
  },
});

/** The last line of the greeting. */
const greetingEnd = /^ {2}curl .*\n/m;

class Process implements Running {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly ended: Promise<Ended>;
  readonly greeted: Promise<void>;
  stdout = "";
  stderr = "";

  constructor(args: readonly string[], variables: Variables) {
    const env = { ...environment, ...variables };
    this.#child = spawn(process.execPath, [mainJs, ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
    this.#child.stdout.setEncoding("utf8").on("data", (chunk) => {
      this.stdout += chunk;
    });
    this.#child.stderr.setEncoding("utf8").on("data", (chunk) => {
      this.stderr += chunk;
    });
    this.ended = once(this.#child, "close").then(([code]) => ({
      code,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
    this.greeted = this.#wrote("stdout", (text) => greetingEnd.test(text));
    this.greeted.catch(() => {});
  }

  get url(): string {
    const url = /^gitpod-runner-mock listens on (\S+?),?(?: |$)/m.exec(this.stdout)?.[1];
    if (url === undefined) throw new Error(`it does not say where it listens: ${this.stdout}`);
    return url;
  }

  logged(text: string): Promise<void> {
    return this.#wrote("stderr", (written) => written.includes(text));
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  #wrote(stream: "stdout" | "stderr", isThere: (written: string) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = () => {
        if (isThere(this[stream])) resolve();
      };
      this.#child[stream].on("data", look);
      look();
      this.ended.then(({ code }) => reject(new Error(`it ended with ${code}: ${this.stderr}`)));
    });
  }
}
