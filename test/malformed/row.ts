/**
 * What a row of the tables is: a request that no well-meaning client sends, and what exactly must come back. How it is
 * sent is left to the clients here beside, what holds after each row to harm.ts.
 */
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import type { RunnerMockOptions } from "../../src/options.ts";

export interface Row {
  /** What is wrong with it. */
  readonly title: string;
  readonly send: Send;
  /** What comes back, as `answerOf` and the clients write it: `400 invalid_argument`, `grpc 3`, `goaway PROTOCOL_ERROR`. */
  readonly answer: string | RegExp;
  /** What the text of the answer has to say. */
  readonly says?: RegExp;
  /** Whether the server keeps the connection for longer than its client: only for what is known to be beyond it. */
  readonly isHeld?: true;
  /** Of the mock that it is sent to. */
  readonly options?: RunnerMockOptions;
}

/** Sends one malformed request to the port, and waits for what becomes of it. */
export type Send = (port: number) => Promise<Exchange>;

export interface Exchange {
  readonly answer: string;
  /** Its text, or all that came. */
  readonly text: string;
  /** Makes a good call on the same connection; undefined where that is closed. */
  readonly again: (() => Promise<string>) | undefined;
  /** Lets go of the connection, if it is still there. */
  end(): void;
}

export interface Theme {
  readonly name: string;
  readonly rows: readonly Row[];
}

/** A response of HTTP, be it of version 1 or 2. */
export interface HttpAnswer {
  readonly status: number;
  /** With the trailers. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/**
 * How a call was answered: `200`, `400 invalid_argument`, `grpc 3`, `stream invalid_argument`; a gRPC-Web or Connect
 * stream that says nothing about its end is `grpc unfinished` or `stream unfinished`.
 */
export function answerOf({ status, headers, body }: HttpAnswer): { answer: string; text: string } {
  const contentType = headers["content-type"] ?? "";
  if (contentType.startsWith("application/grpc")) {
    const trailers = { ...headers, ...webTrailersIn(contentType, body) };
    const text = decodeURIComponent(trailers["grpc-message"] ?? "");
    return { answer: `grpc ${trailers["grpc-status"] ?? "unfinished"}`, text };
  }
  if (contentType.startsWith("application/connect+")) {
    const end = envelopesIn(body).find(({ flags }) => (flags & 2) !== 0);
    if (end === undefined) return { answer: "stream unfinished", text: body.toString() };
    const { error } = JSON.parse(unpacked(end, headers["connect-content-encoding"]).toString());
    return { answer: `stream ${error?.code ?? "ok"}`, text: error?.message ?? "" };
  }
  const text = body.toString();
  const { code, message } =
    text.startsWith("{") && status >= 400 ? JSON.parse(text) : { code: "", message: text };
  // What Node and Fastify refuse themselves has no code.
  return { answer: `${status} ${code ?? ""}`.trim(), text: message };
}

function webTrailersIn(contentType: string, body: Buffer): Record<string, string> {
  if (!contentType.startsWith("application/grpc-web")) return {};
  const trailer = envelopesIn(body).find(({ flags }) => (flags & 0x80) !== 0);
  const lines = trailer?.data.toString().trim().split("\r\n") ?? [];
  return Object.fromEntries(lines.map((line) => [line.split(":", 1)[0], line.replace(/^[^:]*: ?/, "")]));
}

/** An end that has much to say is compressed like any message. */
function unpacked({ flags, data }: Envelope, encoding: string | undefined): Buffer {
  if ((flags & 1) === 0) return data;
  return encoding === "br" ? brotliDecompressSync(data) : gunzipSync(data);
}

interface Envelope {
  readonly flags: number;
  readonly data: Buffer;
}

export function envelopesIn(body: Buffer): Envelope[] {
  const envelopes: Envelope[] = [];
  for (let at = 0; at + 5 <= body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    envelopes.push({ flags: body.readUInt8(at), data: body.subarray(at + 5, end) });
    at = end;
  }
  return envelopes;
}
