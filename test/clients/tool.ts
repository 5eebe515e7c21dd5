/**
 * Clients that are command-line tools: a process for each call, which writes its reply to stdout as JSON, and one for a
 * watch, which writes one JSON object after another until it is interrupted, as by Ctrl-C.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import {
  type JsonObject,
  type Outcome,
  type RpcName,
  type Session,
  userBearer,
  type Watch,
} from "./client.ts";

export interface Tool {
  readonly command: string;
  /** @param bearer what the call bears */
  args(rpc: RpcName, request: JsonObject, bearer: string): readonly string[];
  outcome(finished: Finished): Outcome;
}

export interface Finished {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function toolSession({ command, args, outcome }: Tool): Session {
  const running = new Set<ChildProcess>();
  const start = (...given: Parameters<Tool["args"]>) => {
    // In a group of its own, so that a signal reaches what the tool is wrapped in and the tool itself.
    const child = spawn(command, args(...given), { stdio: ["ignore", "pipe", "pipe"], detached: true });
    running.add(child);
    child.on("close", () => running.delete(child));
    return child;
  };
  return {
    async call(rpc, request, bearer = userBearer) {
      const child = start(rpc, request, bearer);
      const [stdout, stderr] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, "close"),
      ]);
      return outcome({ exitCode: child.exitCode, stdout, stderr });
    },
    async watch(request) {
      const child = start("EventService/WatchEvents", request, userBearer);
      const complaint = text(child.stderr);
      const messages = objectsOf(child.stdout);
      await once(child, "spawn");
      return {
        async next(count) {
          const read: JsonObject[] = [];
          while (read.length < count) {
            const { done, value } = await messages.next();
            if (done) throw new Error(`${command} has ended: ${await complaint}`);
            read.push(value);
          }
          return read;
        },
        end: () => interrupt(child),
      } satisfies Watch;
    },
    close: async () => void (await Promise.all([...running].map(interrupt))),
  };
}

/** One after another; each ends with a line, and may take more than one. */
async function* objectsOf(output: Readable): AsyncGenerator<JsonObject, undefined> {
  let begun = "";
  // Made when the first is asked for: it drops what it reads before it is iterated.
  for await (const line of createInterface(output)) {
    begun += line;
    if (!isJson(begun)) continue;
    yield JSON.parse(begun) as JsonObject;
    begun = "";
  }
}

function isJson(candidate: string): boolean {
  try {
    JSON.parse(candidate);
    return true;
  } catch {
    return false;
  }
}

async function interrupt(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  // Not "close", which waits until its output is read.
  const ended = once(child, "exit");
  process.kill(-child.pid, "SIGINT");
  await ended;
}
