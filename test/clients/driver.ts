/**
 * A client in another language, as a program that does as it is told: each line that it reads is a command with an id,
 * each line that it writes is `{"id": …, "answer": …}`, in whatever order the answers come. When it ends too early, what
 * still waits for it fails with what it wrote to stderr.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Json, JsonObject } from "./client.ts";

export interface Driver {
  ask(command: JsonObject): Promise<Json>;
  /** Ends the program; it may take its time to leave when its stdin ends. */
  end(): Promise<void>;
}

interface Asked {
  readonly resolve: (answer: Json) => void;
  readonly reject: (error: Error) => void;
}

export function startDriver(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Driver {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: "pipe" });
  const asked = new Map<number, Asked>();
  let lastId = 0;
  let complaint = "";
  let failure: Error | undefined;
  child.stderr.on("data", (text) => {
    complaint += text;
  });
  const fail = (why: string) => {
    failure ??= new Error(`${command} ${why}\n${complaint}`.trimEnd());
    for (const { reject } of asked.values()) reject(failure);
    asked.clear();
  };
  child.on("error", ({ message }) => fail(`does not start: ${message}`));
  child.on("close", (code, signal) => fail(`has ended: ${signal ?? code}`));
  // It says more of why it no longer reads by how it ends.
  child.stdin.on("error", () => {});
  createInterface(child.stdout).on("line", (line) => {
    const { id, answer } = JSON.parse(line) as { id: number; answer: Json };
    asked.get(id)?.resolve(answer);
    asked.delete(id);
  });
  return {
    ask: (command) =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) throw failure;
        const id = ++lastId;
        asked.set(id, { resolve, reject });
        child.stdin.write(`${JSON.stringify({ id, ...command })}\n`);
      }),
    end: () => endOf(child),
  };
}

/** How long a program may take to leave by itself. */
const patienceMs = 2000;

async function endOf(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  child.stdin?.end();
  const impatience = setTimeout(() => child.kill("SIGKILL"), patienceMs);
  await closed;
  clearTimeout(impatience);
}
