/** What is measured, each as a process of its own on a port of its own. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { pathWithNode } from "../scripts/nodes.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const peers = `${root}.clients/bench`;
/** The Node that all of them run on: Prism asks for a new one. */
const path = pathWithNode("24");

/** Installs npm packages beside the product, once. */
function installed(...packages) {
  const folder = `${peers}/${packages[0].replace(/[@/]/g, "-")}`;
  if (!existsSync(folder)) {
    const options = ["--prefix", folder, "--no-save", "--no-audit", "--no-fund", "--no-progress"];
    execFileSync("npm", ["install", ...options, ...packages], {
      stdio: ["ignore", "ignore", "inherit"],
      env: { ...process.env, PATH: path },
    });
  }
  return `${folder}/node_modules`;
}

/** Installs a Go module's command beside the product, once. */
function goInstalled(module, command) {
  const bin = `${peers}/bin`;
  if (!existsSync(`${bin}/${command}`)) {
    const { error, status, stderr } = spawnSync("go", ["install", module], {
      encoding: "utf8",
      env: { ...process.env, GOBIN: bin },
    });
    if (error) throw new Error(error.code === "ENOENT" ? "Go is not installed" : error.message);
    if (status !== 0) throw new Error(`go install ${module}: ${stderr.trim().split("\n").at(-1).trim()}`);
  }
  return `${bin}/${command}`;
}

/** Taken once: the schema as a set of descriptors, for those who read one. */
function descriptors() {
  const file = `${peers}/schema.binpb`;
  execFileSync("npx", ["buf", "build", "--as-file-descriptor-set", "-o", file], {
    cwd: root,
    stdio: "ignore",
  });
  return file;
}

/** A server: `command` for a port, and the loads that it can take. */
export const servers = [
  {
    name: "gitpod-runner-mock",
    command: (port) => ["node", `${root}bundle/dist/cli/main.js`, "--log-level", "warn", "--port", port],
    takes: ["json", "proto", "h2c json", "grpc", "get"],
  },
  {
    name: "bare node:http",
    command: (port) => ["node", `${root}bench/servers/bare-node.js`, port],
    takes: ["json"],
  },
  {
    name: "bare Connect on Fastify",
    command: (port, kind) => [
      "node",
      `${root}bench/servers/bare-connect.js`,
      port,
      ...(/^(h2c|grpc)/.test(kind) ? ["h2c"] : []),
    ],
    takes: ["json", "proto", "h2c json", "grpc", "get"],
  },
  {
    name: "Steady",
    command: (port) => [
      `${installed("@stdy/cli@0.22.2")}/@stdy/cli-linux-x64/bin/steady`,
      "-q",
      "--host",
      "127.0.0.1",
      "-p",
      port,
      `${root}bench/openapi.yaml`,
    ],
    takes: ["json"],
  },
  {
    name: "Prism",
    command: (port) => [
      "node",
      `${installed("@stoplight/prism-cli@5.16.0")}/@stoplight/prism-cli/dist/index.js`,
      "mock",
      "-v",
      "error",
      "-h",
      "127.0.0.1",
      "-p",
      port,
      `${root}bench/openapi.yaml`,
    ],
    takes: ["json"],
  },
  {
    name: "FauxRPC",
    command: (port) => [
      goInstalled("github.com/sudorandom/fauxrpc/cmd/fauxrpc@latest", "fauxrpc"),
      "run",
      `--schema=${descriptors()}`,
      `--addr=127.0.0.1:${port}`,
      "--no-http-log",
    ],
    takes: ["json", "proto", "h2c json", "grpc"],
  },
  {
    name: "GripMock",
    // It has a port for gRPC, one for Connect and one for its API.
    command: (port, kind) => [
      "env",
      `GRPC_ADDR=127.0.0.1:${kind === "grpc" ? port : 0}`,
      `CONNECTRPC_ADDR=127.0.0.1:${kind === "grpc" ? 0 : port}`,
      "HTTP_ADDR=127.0.0.1:0",
      "LOG_LEVEL=warn",
      goInstalled("github.com/bavix/gripmock/v3@latest", "gripmock"),
      `--stub=${root}bench/servers/gripmock.yaml`,
      `--imports=${root}proto`,
      `${root}proto/gitpod/v1/runner.proto`,
    ],
    takes: ["json", "proto", "grpc"],
  },
];

/** The process of a command. */
export function spawned([program, ...args], stdio) {
  return spawn(program, args, { stdio, env: { ...process.env, PATH: path } });
}

/** Starts it, resolves once it answers anything at all. */
export async function start({ name, command }, port, kind = "json") {
  const child = spawned(command(String(port), kind), ["ignore", "ignore", "pipe"]);
  let said = "";
  child.stderr.on("data", (chunk) => {
    said = (said + chunk).slice(-2_000);
  });
  const deadline = performance.now() + 20_000;
  while (!(await answers(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill("SIGKILL");
      throw new Error(`${name} does not start: ${said}`);
    }
  }
  return {
    /** Of the process and its children, in seconds. */
    cpuSeconds: () => family(child.pid).reduce((sum, pid) => sum + cpuSecondsOf(pid), 0),
    rssMb: () => Math.round(family(child.pid).reduce((sum, pid) => sum + rssKbOf(pid), 0) / 1_024),
    async stop() {
      child.kill("SIGTERM");
      const hard = setTimeout(() => child.kill("SIGKILL"), 3_000);
      await once(child, "exit");
      clearTimeout(hard);
    },
  };
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => setTimeout(resolve, 5, false));
  });
}

const read = (file) => {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
};

function family(pid) {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
  return [pid, ...children.flatMap(family)];
}

/** Fields 14 and 15 of its stat, in hundredths of a second. */
function cpuSecondsOf(pid) {
  const fields = read(`/proc/${pid}/stat`).split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
}

function rssKbOf(pid) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}
