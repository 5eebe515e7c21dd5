/** grpcurl, which knows nothing of the schema but what it asks the mock's server reflection with each call. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import type { ClientKind, Outcome } from "../client.ts";
import { type Finished, toolSession } from "../tool.ts";

const command = fileURLToPath(new URL("../../../.clients/grpcurl/grpcurl", import.meta.url));
const { stderr: about } = spawnSync(command, ["-version"], { encoding: "utf8" });
const version = /^grpcurl v(\S+)/.exec(about ?? "")?.[1];

export const grpcurl: ClientKind = {
  name: `grpcurl ${version ?? "(absent)"}`,
  userAgent: new RegExp(`^grpcurl/v${version} grpc-go/[\\d.]+$`),
  speaks: ["gRPC, HTTP/2"],
  missing: version === undefined ? `${command} is not there: npm run setup:clients` : undefined,
  open: async (url) =>
    toolSession({
      command,
      args: (rpc, request, bearer) => [
        ...["-plaintext", "-format-error", "-H", `authorization: Bearer ${bearer}`],
        ...["-d", JSON.stringify(request), new URL(url).host, `gitpod.v1.${rpc}`],
      ],
      outcome,
    }),
};

/** What it exits with above the code of an error that the RPC ended with. */
const rpcFailed = 64;

function outcome({ exitCode, stdout, stderr }: Finished): Outcome {
  if (exitCode === 0) return { reply: JSON.parse(stdout) };
  if (exitCode === null || exitCode <= rpcFailed)
    throw new Error(`grpcurl exits with ${exitCode}: ${stderr}`);
  const { code, message } = JSON.parse(stderr) as { code: number; message: string };
  // Reflection must know the details too.
  if (stderr.includes('"@error"')) throw new Error(`grpcurl cannot read a detail of the error: ${stderr}`);
  if (exitCode !== rpcFailed + code) throw new Error(`grpcurl exits with ${exitCode} for the code ${code}`);
  return { error: { code: codeToString(code), message } };
}
