/** A real engine for the store, of Debian's packages, on a free port of loopback; `scripts/setup-store.sh` installs it. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createClient } from "@redis/client";

/** The program's name; undefined where there is none. */
export const redisProgram = ["valkey-server", "redis-server"].find((name) => {
  try {
    execFileSync(name, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
});

if (redisProgram === undefined) {
  process.stderr.write("skipped: neither valkey-server nor redis-server is here; scripts/setup-store.sh\n");
}

export class RedisServer {
  readonly port: number;
  readonly #args: readonly string[];
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string, args: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.#args = args;
  }

  /** @param argsOf its own, on a port; default: nothing is written to disk */
  static async start(argsOf: (port: string) => readonly string[] = () => []): Promise<RedisServer> {
    const folder = mkdtempSync(join(tmpdir(), "runner-mock-store-"));
    const port = await freePort();
    const server = new RedisServer(port, folder, argsOf(String(port)));
    await server.run();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it, again. Resolves once it answers. */
  async run(): Promise<void> {
    const program = redisProgram ?? "redis-server";
    const own = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.#folder, "--save", ""];
    const child = spawn(program, [...own, ...this.#args], { stdio: ["ignore", "pipe", "inherit"] });
    this.#process = child;
    for await (const line of createInterface(child.stdout)) {
      if (line.includes("Ready to accept connections")) break;
    }
    child.stdout.resume();
  }

  /** Stops it, as a machine that loses power would. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  /** Every key that there is. */
  async keys(): Promise<string[]> {
    const client = createClient({ url: this.url });
    await client.connect();
    const keys = await client.keys("*");
    client.destroy();
    return keys.sort();
  }

  /** Lets it say nothing any more, or go on. */
  freeze(frozen: boolean): void {
    this.#process?.kill(frozen ? "SIGSTOP" : "SIGCONT");
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
