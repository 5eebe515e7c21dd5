/** Calls with made up requests, in each protocol, and how they are sent. */
import type { ClientHttp2Session } from "node:http2";
import type { DescMethod } from "@bufbuild/protobuf";
import fc from "fast-check";
import { answerOf } from "../row.ts";
import { envelope } from "../rows/envelope.ts";
import { binaryBody, jsonBody } from "./messages.ts";

/** As it is shown where it is a counterexample. */
export interface FuzzedCall {
  readonly rpc: string;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  /** In JSON, or in hexadecimal. */
  readonly body: string;
}

/** @param worlds those that it may name in its header */
export function fuzzedCall(method: DescMethod, worlds: readonly string[]): fc.Arbitrary<FuzzedCall> {
  const rpc = `${method.parent.typeName}/${method.name}`;
  const json = method.methodKind === "unary" ? "application/json" : "application/connect+json";
  const proto = method.methodKind === "unary" ? "application/proto" : "application/connect+proto";
  const binary = binaryBody(method.input).map((bytes) => Buffer.from(bytes).toString("hex"));
  const headers = headersFor(worlds);
  return fc.oneof(
    fc.record({
      rpc: fc.constant(rpc),
      contentType: fc.constantFrom(json, json, "application/grpc+json", "application/grpc-web+json"),
      headers,
      body: jsonBody(method.input),
    }),
    fc.record({
      rpc: fc.constant(rpc),
      contentType: fc.constantFrom(proto, "application/grpc", "application/grpc-web+proto"),
      headers,
      body: binary,
    }),
  );
}

const junk = fc.oneof(
  fc.constantFrom(
    "",
    "-1",
    "0",
    "1",
    "99999999999999999999",
    "gzip",
    "identity",
    "br",
    "Bearer",
    "v1",
    "*/*",
  ),
  fc.string({ unit: fc.constantFrom(..."azAZ09-._~!#$%&'*+^`|/:;=?@"), maxLength: 20 }),
);

function headersFor(worlds: readonly string[]): fc.Arbitrary<Record<string, string>> {
  return fc
    .record(
      {
        "runner-mock-world": fc.oneof(fc.constantFrom(...worlds), junk),
        // Of our own form it stands nowhere else: the log is searched for such.
        authorization: fc.oneof(junk, fc.constant("Bearer rmock_access_x")),
        "content-encoding": junk,
        "connect-content-encoding": junk,
        "grpc-encoding": junk,
        "accept-encoding": junk,
        "connect-accept-encoding": junk,
        "grpc-accept-encoding": junk,
        "connect-timeout-ms": junk,
        "grpc-timeout": junk,
        "connect-protocol-version": junk,
        accept: junk,
        "user-agent": junk,
        "x-junk": junk,
      },
      { requiredKeys: [], noNullPrototype: true },
    )
    .map((all) => Object.fromEntries(Object.entries(all).filter((_, index) => index < 4)));
}

const isJson = (contentType: string) => contentType.endsWith("json");
export const bytesOf = ({ contentType, body }: FuzzedCall) =>
  Buffer.from(body, isJson(contentType) ? "utf8" : "hex");

/** What waits without an end is given some time. */
const deadline = { "connect-timeout-ms": "150", "grpc-timeout": "150m" };

/** The answer; of a stream its first message, or its error, after which it is left. */
export function make(
  session: ClientHttp2Session,
  call: FuzzedCall,
): Promise<{ answer: string; text: string }> {
  const { rpc, contentType, headers } = call;
  const isEnveloped = !/^application\/(json|proto)$/.test(contentType);
  const stream = session.request({
    ":method": "POST",
    ":path": `/${rpc}`,
    te: "trailers",
    ...deadline,
    ...headers,
    "content-type": contentType,
  });
  stream.end(isEnveloped ? envelope(0, bytesOf(call)) : bytesOf(call));
  return new Promise((resolve) => {
    const got: Record<string, string> = {};
    const chunks: Buffer[] = [];
    const take = (more: object) => {
      for (const [name, value] of Object.entries(more)) got[name] = String(value);
    };
    stream.on("response", take).on("trailers", take);
    stream.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      const isStream = contentType.startsWith("application/connect+");
      // Of a stream that goes on.
      if (isStream && ((chunk[0] ?? 0) & 2) === 0) leave();
    });
    const leave = () => {
      resolve({ answer: "begun", text: "" });
      stream.close();
    };
    stream.on("end", () =>
      resolve(answerOf({ status: Number(got[":status"]), headers: got, body: Buffer.concat(chunks) })),
    );
    // Told by "close", with its code.
    stream.on("error", () => {});
    stream.on("close", () => resolve({ answer: `reset ${stream.rstCode}`, text: "" }));
  });
}
