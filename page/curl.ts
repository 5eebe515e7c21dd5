/** A call of the log as a command that makes it again. */
import { apiServices, rpcOf } from "../src/api.ts";
import { Principal } from "../src/gen/gitpod/v1/identity_pb.ts";
import type { Call } from "../src/gen/runnermock/v1/control_pb.ts";
import { quoted } from "../src/shell.ts";

const streaming = new Set(
  apiServices.flatMap(({ methods }) => methods.filter(({ methodKind }) => methodKind !== "unary").map(rpcOf)),
);

/** What is secret is not in the log: whoever makes the call puts it in the places of `TOKEN` and `[hidden]`. */
export function curlOf({ rpc, request, caller }: Call, baseUrl: string): string {
  const isStream = streaming.has(rpc);
  const headers = ["Content-Type: application/json"];
  if (isStream) headers.push("Accept: application/jsonl");
  if (caller?.principal === Principal.RUNNER) headers.push("Authorization: Bearer TOKEN");
  return [
    `curl ${isStream ? "-N " : ""}${quoted(`${baseUrl}/${rpc}`)}`,
    ...headers.map((header) => `-H ${quoted(header)}`),
    `-d ${quoted(JSON.stringify(request ?? {}))}`,
  ].join(" \\\n  ");
}
