/** Runs somebody's command to its end, with variables on top of the environment. */
import { type ChildProcess, spawn } from "node:child_process";
import { shown } from "../shown.ts";

/** The program and its arguments. */
export type Command = readonly [string, ...string[]];

export interface CommandOptions {
  readonly variables: Readonly<Record<string, string>>;
  /** How long it may take before it is ended, which is a failure. */
  readonly timeoutMs: number;
  /** Ends it, too. */
  readonly signal: AbortSignal;
}

export interface CommandOutcome {
  /** Whether its exit code was other than 0, or it had to be ended. */
  readonly failed: boolean;
  /** The end of what it wrote. */
  readonly output: string;
}

/** How much is kept of what it writes. */
const maxLines = 20;
const maxLength = 2_000;

/** A command that cannot be started. */
export class CommandError extends Error {}

/** @throws CommandError if it cannot be started; why the signal was aborted, if it was */
export function runCommand([program, ...args]: Command, options: CommandOptions): Promise<CommandOutcome> {
  const { variables, timeoutMs, signal } = options;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    // In a group of its own: what it has started itself is ended with it.
    const child = spawn(program, args, {
      env: { ...process.env, ...variables },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text: string) => {
        output = `${output}${text}`.slice(-maxLength);
      });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      end(child);
    }, timeoutMs);
    const abort = () => end(child);
    signal.addEventListener("abort", abort);
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    };
    child.once("error", (error) => {
      settle();
      reject(new CommandError(`cannot run ${shown(program)}: ${error.message}`, { cause: error }));
    });
    child.once("close", (code) => {
      settle();
      if (signal.aborted) return reject(signal.reason);
      const late = isLate ? [`it was ended after ${timeoutMs} ms`] : [];
      const lines = [...output.trimEnd().split("\n"), ...late];
      resolve({ failed: code !== 0, output: lines.slice(-maxLines).join("\n") });
    });
  });
}

function end({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
