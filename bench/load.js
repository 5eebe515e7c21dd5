/** Loads, made by h2load (nghttp2): one thread of C, which is not what is slow here. */
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { CreateRunnerRequestSchema, RunnerService } from "../dist/gen/gitpod/v1/runner_pb.js";

const json = (value) => Buffer.from(JSON.stringify(value));
const enveloped = (bytes) => {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([prefix, bytes]);
};
const createRequest = create(CreateRunnerRequestSchema, { name: "My Runner", provider: 1 });
const createBinary = toBinary(CreateRunnerRequestSchema, createRequest);
const createJson = json({ name: "My Runner", provider: "RUNNER_PROVIDER_AWS_EC2" });

/** By kind: the protocol, and what is sent. `get`: GetRunner of the runner that the check created. */
const kinds = {
  json: {
    http1: true,
    type: "application/json",
    body: () => createJson,
  },
  proto: { http1: true, type: "application/proto", body: () => createBinary },
  "h2c json": {
    http1: false,
    type: "application/json",
    body: () => createJson,
  },
  grpc: { http1: false, type: "application/grpc", body: () => enveloped(createBinary) },
  get: { http1: true, type: "application/json", rpc: "GetRunner", body: (runnerId) => json({ runnerId }) },
};

export function generator() {
  try {
    return execFileSync("h2load", ["--version"], { encoding: "utf8" }).trim();
  } catch {
    throw new Error("the bench takes h2load: apt-get install nghttp2-client");
  }
}

/**
 * Makes the call once, with a client: an error of gRPC is HTTP 200 too, and the load would not notice.
 *
 * @returns the id of the runner that it created
 */
export async function checked(kind, port) {
  const { http1, type } = kinds[kind];
  const baseUrl = `http://127.0.0.1:${port}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const transport = type === "application/grpc" ? createGrpcTransport : createConnectTransport;
  const client = createClient(
    RunnerService,
    transport({
      baseUrl,
      useBinaryFormat: type !== "application/json",
      ...(http1 ? { httpVersion: "1.1" } : { httpVersion: "2", sessionManager }),
    }),
  );
  try {
    const { runner } = await client.createRunner(createRequest);
    if (!runner?.runnerId) throw new Error("CreateRunner answers without a runner");
    if (kind === "get") await client.getRunner({ runnerId: runner.runnerId });
    return runner.runnerId;
  } finally {
    sessionManager.abort();
  }
}

/**
 * Calls for `warmUpSeconds`, and then for `seconds` that count.
 *
 * @returns requests per second, and how long they took, in milliseconds
 */
export async function load(kind, port, connections, { seconds, warmUpSeconds }, runnerId) {
  const { http1, type, body, rpc = "CreateRunner" } = kinds[kind];
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  const [data, log] = [join(folder, "body"), join(folder, "log")];
  writeFileSync(data, body(runnerId));
  const args = [
    "-c",
    connections,
    "-m",
    1,
    "-t",
    1,
    "-D",
    seconds,
    "--warm-up-time",
    warmUpSeconds,
    "-d",
    data,
    "--log-file",
    log,
  ];
  const headers = [`content-type: ${type}`, ...(type === "application/grpc" ? ["te: trailers"] : [])];
  const { stdout } = await promisify(execFile)("h2load", [
    ...(http1 ? ["--h1"] : []),
    ...args.map(String),
    ...headers.flatMap((header) => ["-H", header]),
    `http://127.0.0.1:${port}/${RunnerService.typeName}/${rpc}`,
  ]);
  const logged = readFileSync(log, "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split("\t"));
  rmSync(folder, { recursive: true });
  // A call whose status came during the warm-up, and its end after it, has 0: at most one for each connection.
  const straddling = logged.filter(([, status]) => status === "0").length;
  const rows = straddling > connections ? logged : logged.filter(([, status]) => status !== "0");
  const failed = rows.filter(([, status]) => status !== "200").length;
  if (rows.length === 0 || failed > 0) throw new Error(`${failed} of ${rows.length} calls failed: ${stdout}`);
  const micros = rows.map(([, , duration]) => Number(duration)).sort((a, b) => a - b);
  const at = (share) => micros[Math.floor((micros.length - 1) * share)] / 1_000;
  return { requests: rows.length, perSecond: rows.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}
