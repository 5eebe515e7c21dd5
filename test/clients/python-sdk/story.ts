/** A story told in Python, step by step: the test decides when it goes on, and hears what it saw. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { pythonSdk } from "./environment.ts";

/**
 * Begins to tell it; it is ended with the test.
 *
 * @param script its name in this folder
 */
export function tellInPython(script: string, ...args: string[]) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(pythonSdk.python, [path, ...args], { stdio: "pipe" });
  const exited = once(child, "exit");
  onTestFinished(async () => {
    child.kill();
    await exited;
  });
  const errors = text(child.stderr);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  let begun = false;
  return {
    /** Lets the story go on to this step; resolves with what it saw there. */
    async until(step: string): Promise<Record<string, unknown>> {
      if (begun) child.stdin.write("\n");
      begun = true;
      const line = await lines.next();
      if (line.done) throw new Error(`the story ended before "${step}": ${await errors}`);
      const { step: reached, ...seen } = JSON.parse(line.value);
      expect(reached).toBe(step);
      return seen;
    },
    /** Lets it come to its end; resolves with its exit code and what it wrote to stderr. */
    async end() {
      child.stdin.end("\n");
      const [code] = await exited;
      return { code, stderr: await errors };
    },
  };
}
