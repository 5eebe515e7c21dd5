/** Compressed requests that cannot be unpacked, or that must not be. */
import { brotliCompressSync, constants, deflateRawSync, gzipSync } from "node:zlib";
import { http1, post } from "../http1-client.ts";
import { http2 } from "../http2-client.ts";
import type { Row, Send, Theme } from "../row.ts";
import { envelope } from "./envelope.ts";

const createRunner = "/gitpod.v1.RunnerService/CreateRunner";
const watchEvents = "/gitpod.v1.EventService/WatchEvents";
const mebibyte = 1024 * 1024;

/** About 260 KB that unpack to 256 MiB, of which each block looks harmless. */
const bomb = once(() => gzipSync(Buffer.alloc(256 * mebibyte, " "), { level: 1 }));
const brotliBomb = once(() =>
  brotliCompressSync(Buffer.alloc(256 * mebibyte, " "), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
);
/** Packed twice: few bytes that unpack to a bomb. */
const nestedBomb = once(() => gzipSync(bomb()));

/** Made when it is first needed, and only then. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

const unary = (encoding: string, body: () => Uint8Array, contentType = "application/json"): Send => {
  const headers = { "content-type": contentType, "content-encoding": encoding };
  return (port) => http1(post(createRunner, headers, body()))(port);
};

const grpc = (encoding: string, data: () => Uint8Array): Send => {
  const headers = { ":path": createRunner, "content-type": "application/grpc", "grpc-encoding": encoding };
  return (port) => http2({ headers, body: envelope(1, data()) })(port);
};

const web = (encoding: string, data: () => Uint8Array): Send => {
  const headers = { "content-type": "application/grpc-web+proto", "grpc-encoding": encoding };
  return (port) => http1(post(createRunner, headers, envelope(1, data())))(port);
};

const stream = (encoding: string, data: () => Uint8Array): Send => {
  const headers = { "content-type": "application/connect+json", "connect-content-encoding": encoding };
  return (port) => http1(post(watchEvents, headers, envelope(1, data())))(port);
};

const lines = (encoding: string, data: () => Uint8Array): Send => {
  const headers = { "content-type": "application/jsonl", "content-encoding": encoding };
  return (port) => http1(post(watchEvents, headers, data()))(port);
};

const goodJson = '{"name": "My Runner", "provider": "RUNNER_PROVIDER_GCP"}';
const gzip = (text: string) => () => new Uint8Array(gzipSync(text));

/** Good gzip, but for one byte. */
function broken(at: number): () => Uint8Array {
  return () => {
    const bytes = gzip(goodJson)();
    const index = at < 0 ? bytes.length + at : at;
    bytes[index] = (bytes[index] ?? 0) ^ 0xff;
    return bytes;
  };
}

const invalid = "400 invalid_argument";
const tooMuch = "429 resource_exhausted";

const rows: readonly Row[] = [
  { title: "gzip that is none", send: unary("gzip", () => Buffer.from(goodJson)), answer: invalid },
  { title: "gzip of nothing, which is no JSON", send: unary("gzip", gzip("")), answer: invalid },
  { title: "no bytes at all, said to be gzip", send: unary("gzip", () => Buffer.alloc(0)), answer: invalid },
  {
    title: "gzip that breaks off in its head",
    send: unary("gzip", () => gzip(goodJson)().subarray(0, 5)),
    answer: invalid,
  },
  {
    title: "gzip that breaks off in its data",
    send: unary("gzip", () => gzip(goodJson)().subarray(0, -20)),
    answer: invalid,
  },
  {
    title: "gzip that breaks off in its checksum",
    send: unary("gzip", () => gzip(goodJson)().subarray(0, -6)),
    answer: invalid,
  },
  { title: "gzip with a wrong checksum", send: unary("gzip", broken(-8)), answer: invalid },
  { title: "gzip with a wrong length", send: unary("gzip", broken(-1)), answer: invalid },
  { title: "gzip with a reserved flag", send: unary("gzip", broken(3)), answer: invalid },
  {
    title: "gzip within gzip, of which one is told",
    send: unary("gzip", () => gzipSync(gzip(goodJson)())),
    answer: invalid,
  },
  { title: "good gzip of JSON that breaks off", send: unary("gzip", gzip('{"name"')), answer: invalid },
  {
    title: "raw deflate, said to be gzip",
    send: unary("gzip", () => deflateRawSync(goodJson)),
    answer: invalid,
  },
  { title: "brotli that is none", send: unary("br", () => Buffer.from(goodJson)), answer: invalid },
  {
    title: "brotli that breaks off",
    send: unary("br", () => brotliCompressSync(goodJson).subarray(0, -4)),
    answer: invalid,
  },
  {
    title: "an unknown encoding",
    send: unary("zip", gzip(goodJson)),
    answer: "501 unimplemented",
    says: /zip/,
  },
  { title: "two encodings at once", send: unary("gzip, br", gzip(goodJson)), answer: "501 unimplemented" },
  { title: "an encoding in another case", send: unary("GZIP", gzip(goodJson)), answer: "501 unimplemented" },
  { title: "gzip of 256 MiB in one request", send: unary("gzip", bomb), answer: tooMuch },
  { title: "brotli of 256 MiB in one request", send: unary("br", brotliBomb), answer: tooMuch },
  { title: "gzip of 256 MiB of protobuf", send: unary("gzip", bomb, "application/proto"), answer: tooMuch },
  { title: "gzip of 256 MiB within gzip", send: unary("gzip", nestedBomb), answer: invalid },
  {
    title: "gzip of one byte more than 4 MiB",
    send: unary("gzip", () => gzipSync(" ".repeat(4 * mebibyte + 1))),
    answer: tooMuch,
  },
  {
    title: "a gRPC message of gzip that is none",
    send: grpc("gzip", () => Buffer.from("none")),
    answer: "grpc 3",
  },
  {
    title: "a gRPC message of an unknown encoding",
    send: grpc("snappy", () => Buffer.from("none")),
    answer: "grpc 12",
    says: /snappy/,
  },
  { title: "a gRPC message of gzip that unpacks to 256 MiB", send: grpc("gzip", bomb), answer: "grpc 8" },
  {
    title: "a gRPC-Web message of gzip that breaks off",
    send: web("gzip", () => gzip("abc")().subarray(0, -3)),
    answer: "grpc 3",
  },
  { title: "a gRPC-Web message of gzip that unpacks to 256 MiB", send: web("gzip", bomb), answer: "grpc 8" },
  { title: "a gRPC-Web message of an unknown encoding", send: web("deflate", bomb), answer: "grpc 12" },
  {
    title: "a stream whose message is gzip that is none",
    send: stream("gzip", () => Buffer.from("{}")),
    answer: "stream invalid_argument",
  },
  {
    title: "a stream whose message unpacks to 256 MiB",
    send: stream("gzip", bomb),
    answer: "stream resource_exhausted",
  },
  {
    title: "a stream of an unknown encoding",
    send: stream("zstd", () => Buffer.from("{}")),
    answer: "stream unimplemented",
  },
  {
    title: "lines whose request is gzip that is none",
    send: lines("gzip", () => Buffer.from("{}")),
    answer: invalid,
  },
  { title: "lines whose request unpacks to 256 MiB", send: lines("gzip", bomb), answer: tooMuch },
  {
    title: "lines whose request is of an unknown encoding",
    send: lines("lzma", () => Buffer.from("{}")),
    answer: "501 unimplemented",
  },
];

export const compression: Theme = { name: "compression", rows };
