/** curl, as the README calls it: JSON both ways, and JSON Lines for a watch. */
import { spawnSync } from "node:child_process";
import { Code } from "@connectrpc/connect";
import { codeFromString, codeToHttpStatus } from "@connectrpc/connect/protocol-connect";
import type { ClientKind, JsonObject, Outcome } from "../client.ts";
import { type Finished, toolSession } from "../tool.ts";

const { stdout: about } = spawnSync("curl", ["--version"], { encoding: "utf8" });
const version = /^curl (\S+)/.exec(about ?? "")?.[1];
const speaksHttp2 = /^Features: .*\bHTTP2\b/m.test(about ?? "");

const noCurl = version === undefined ? "there is no curl in the PATH: npm run setup:clients" : undefined;
const noHttp2 = speaksHttp2 ? undefined : `this curl ${version} was built without HTTP/2`;

function kindOf(httpVersion: "1.1" | "2", flags: readonly string[], missing: string | undefined): ClientKind {
  return {
    name: `curl ${version ?? "(absent)"}`,
    setting: `HTTP/${httpVersion}`,
    userAgent: new RegExp(`^curl/${version}$`),
    speaks: [`Connect JSON, HTTP/${httpVersion}`, `JSON Lines, HTTP/${httpVersion}`],
    missing,
    open: async (url) =>
      toolSession({
        command: "curl",
        args(rpc, request, bearer) {
          const watching = rpc === "EventService/WatchEvents";
          return [
            ...["--silent", "--show-error", ...flags],
            ...(watching ? ["--no-buffer", "--header", "Accept: application/jsonl"] : statusLast),
            ...["--header", "Content-Type: application/json", "--header", `Authorization: Bearer ${bearer}`],
            ...["--data", JSON.stringify(request), `${url}/api/gitpod.v1.${rpc}`],
          ];
        },
        outcome,
      }),
  };
}

/** On a line of its own, after the body. */
const statusLast = ["--write-out", "\n%{http_code}"];

function outcome({ exitCode, stdout, stderr }: Finished): Outcome {
  if (exitCode !== 0) throw new Error(`curl exits with ${exitCode}: ${stderr}`);
  const end = stdout.lastIndexOf("\n");
  const status = Number(stdout.slice(end + 1));
  const body = JSON.parse(stdout.slice(0, end)) as JsonObject;
  if (status === 200) return { reply: body };
  const { code, message } = body as { code: string; message: string };
  const expected = codeToHttpStatus(codeFromString(code) ?? Code.Unknown);
  if (status !== expected) throw new Error(`${code} comes with status ${status} instead of ${expected}`);
  return { error: { code, message } };
}

export const curlKinds: readonly ClientKind[] = [
  kindOf("1.1", ["--http1.1"], noCurl),
  kindOf("2", ["--http2-prior-knowledge"], noCurl ?? noHttp2),
];
