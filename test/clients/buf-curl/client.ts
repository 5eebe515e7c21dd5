/** `buf curl`, with the schema from proto/ or from the mock's server reflection. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { codeFromString } from "@connectrpc/connect/protocol-connect";
import type { ClientKind, Outcome, Wire } from "../client.ts";
import { type Finished, toolSession } from "../tool.ts";

const root = new URL("../../../", import.meta.url);
const command = fileURLToPath(new URL("node_modules/.bin/buf", root));
const proto = fileURLToPath(new URL("proto", root));
const manifest = readFileSync(new URL("node_modules/@bufbuild/buf/package.json", root), "utf8");
const { version } = JSON.parse(manifest) as { version: string };

/** @param path below which the API is called */
function kindOf(setting: string, wire: Wire, path: "" | "/api", flags: readonly string[]): ClientKind {
  return {
    name: `buf curl ${version}`,
    setting,
    userAgent: new RegExp(`^(grpc-go-connect|connect-go)/[\\d.]+ .* buf/${version}`),
    speaks: [wire],
    missing: undefined,
    open: async (url) =>
      toolSession({
        command,
        args: (rpc, request, bearer) => [
          ...["curl", ...flags, "--header", `Authorization: Bearer ${bearer}`],
          ...["--data", JSON.stringify(request), `${url}${path}/gitpod.v1.${rpc}`],
        ],
        outcome,
      }),
  };
}

function outcome({ exitCode, stdout, stderr }: Finished): Outcome {
  if (exitCode === 0) return { reply: JSON.parse(stdout) };
  // What it exits with for other reasons is less.
  if (exitCode === null || exitCode < 8) throw new Error(`buf curl exits with ${exitCode}: ${stderr}`);
  const { code, message } = JSON.parse(stderr) as { code: string; message: string };
  if (exitCode !== (codeFromString(code) ?? 0) << 3)
    throw new Error(`buf curl exits with ${exitCode} for ${code}`);
  return { error: { code, message } };
}

export const bufCurlKinds: readonly ClientKind[] = [
  kindOf("Connect", "Connect binary, HTTP/1.1", "/api", ["--protocol", "connect", "--schema", proto]),
  kindOf("gRPC with reflection", "gRPC, HTTP/2", "", ["--protocol", "grpc", "--http2-prior-knowledge"]),
  kindOf("gRPC-Web", "gRPC-Web, HTTP/1.1", "/api", ["--protocol", "grpcweb", "--schema", proto]),
];
