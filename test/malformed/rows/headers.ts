/** Headers: timeouts, content types, bearers, and too much of them. */
import type { OutgoingHttpHeaders } from "node:http2";
import { http1, post } from "../http1-client.ts";
import { http2 } from "../http2-client.ts";
import type { Row, Send, Theme } from "../row.ts";
import { envelope } from "./envelope.ts";

const listRunners = "/gitpod.v1.RunnerService/ListRunners";
const watchEvents = "/gitpod.v1.EventService/WatchEvents";

const connect = (headers: Readonly<Record<string, string>>): Send =>
  http1(post(listRunners, { "content-type": "application/json", ...headers }, "{}"));
const grpc = (headers: OutgoingHttpHeaders, path = listRunners): Send =>
  http2({ headers: { ":path": path, "content-type": "application/grpc", ...headers }, body: envelope(0) });
const typed = (contentType: string, path = listRunners): Send =>
  http1(post(path, { "content-type": contentType }, "{}"));

const many = (count: number, value = "x") =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-flood-${index}`, value]));

const invalid = "400 invalid_argument";
const timeout = (value: string): Pick<Row, "send" | "answer"> => ({
  send: connect({ "connect-timeout-ms": value }),
  answer: invalid,
});
const grpcTimeout = (value: string): Pick<Row, "send" | "answer"> => ({
  send: grpc({ "grpc-timeout": value }),
  answer: "grpc 3",
});

const rows: readonly Row[] = [
  { title: "connect-timeout-ms: letters", ...timeout("soon") },
  { title: "connect-timeout-ms: a negative number", ...timeout("-1") },
  { title: "connect-timeout-ms: 20 digits", ...timeout("9".repeat(20)) },
  { title: "connect-timeout-ms: a fraction", ...timeout("1.5") },
  { title: "connect-timeout-ms: with a unit", ...timeout("100ms") },
  { title: "connect-timeout-ms: an exponent", ...timeout("1e3") },
  { title: "connect-timeout-ms: hexadecimal", ...timeout("0x10") },
  { title: "connect-timeout-ms: two of them", ...timeout("100, 200") },
  {
    title: "connect-timeout-ms: nothing left from the start",
    send: connect({ "connect-timeout-ms": "0" }),
    answer: "504 deadline_exceeded",
  },
  {
    title: "connect-timeout-ms of a stream: letters",
    send: http1(
      post(
        watchEvents,
        { "content-type": "application/connect+json", "connect-timeout-ms": "x" },
        envelope(0, "{}"),
      ),
    ),
    answer: "stream invalid_argument",
  },
  { title: "grpc-timeout: letters", ...grpcTimeout("soon") },
  { title: "grpc-timeout: a negative number", ...grpcTimeout("-1S") },
  { title: "grpc-timeout: 20 digits", ...grpcTimeout(`${"9".repeat(20)}n`) },
  { title: "grpc-timeout: nine digits", ...grpcTimeout(`${"1".repeat(9)}S`) },
  { title: "grpc-timeout: no unit", ...grpcTimeout("100") },
  { title: "grpc-timeout: a unit alone", ...grpcTimeout("S") },
  { title: "grpc-timeout: a unit that there is not", ...grpcTimeout("10d") },
  { title: "grpc-timeout: a fraction", ...grpcTimeout("1.5S") },
  {
    title: "grpc-timeout: nothing left from the start",
    send: grpc({ "grpc-timeout": "0n" }),
    answer: "grpc 4",
  },
  {
    title: "connect-protocol-version: 2",
    send: connect({ "connect-protocol-version": "2" }),
    answer: invalid,
    says: /version/,
  },
  {
    title: "connect-protocol-version: letters",
    send: connect({ "connect-protocol-version": "one" }),
    answer: invalid,
  },
  {
    title: "content-type: a text",
    send: typed("text/plain"),
    answer: "415 invalid_argument",
    says: /"text\/plain"/,
  },
  { title: "content-type: nothing", send: typed(""), answer: "415 invalid_argument" },
  {
    title: "content-type: none at all",
    send: http1(`POST ${listRunners} HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}`),
    answer: "415 invalid_argument",
    says: /no content type/,
  },
  { title: "content-type: a slash alone", send: typed("/"), answer: "415 invalid_argument" },
  {
    title: "content-type: a codec that nobody has",
    send: typed("application/grpc+xml"),
    answer: "415 invalid_argument",
  },
  {
    title: "content-type: another charset",
    send: typed("application/json; charset=latin1"),
    answer: "415 invalid_argument",
  },
  {
    title: "content-type: two of them",
    send: typed("application/json, application/proto"),
    answer: "415 invalid_argument",
  },
  {
    title: "content-type: 8,000 characters",
    send: typed(`application/${"x".repeat(8_000)}`),
    answer: "415 invalid_argument",
  },
  {
    title: "content-type: a stream's, of a unary RPC",
    send: typed("application/connect+json"),
    answer: "415 invalid_argument",
  },
  {
    title: "content-type: a unary one's, of a stream",
    send: typed("application/json", watchEvents),
    answer: "415 invalid_argument",
  },
  {
    title: "content-type: lines, of a unary RPC",
    send: typed("application/jsonl"),
    answer: "415 invalid_argument",
  },
  {
    title: "authorization: a bearer that was never issued",
    send: connect({ authorization: "Bearer rmock_access_x" }),
    answer: "401 unauthenticated",
  },
  {
    title: "authorization: a bearer of our form with bytes beyond ASCII",
    send: connect({ authorization: "Bearer rmock_access_\xff\xfe" }),
    answer: "401 unauthenticated",
  },
  {
    title: "authorization: a bearer of our form of 8,000 characters",
    send: connect({ authorization: `Bearer rmock_access_${"x".repeat(8_000)}` }),
    answer: "401 unauthenticated",
  },
  {
    title: "host: none that can be",
    send: http1(`POST ${listRunners} HTTP/1.1\r\nhost: a b:c\r\ncontent-length: 0\r\n\r\n`),
    answer: invalid,
    says: /Host/,
  },
  {
    title: "host: a user and a path",
    send: http1(`POST ${listRunners} HTTP/1.1\r\nhost: a@b/c\r\ncontent-length: 0\r\n\r\n`),
    answer: invalid,
    says: /Host/,
  },
  {
    title: "host: a port that there is not",
    send: http1(`POST ${listRunners} HTTP/1.1\r\nhost: a:99999\r\ncontent-length: 0\r\n\r\n`),
    answer: invalid,
    says: /Host/,
  },
  {
    title: "1,990 headers in less than 16 KiB",
    send: http1(
      Buffer.concat([Buffer.from(`GET /nope HTTP/1.1\r\nhost: a\r\n${"a:\r\n".repeat(1_990)}\r\n`)]),
    ),
    // Since Node 22.23 what stands between name and value counts as well.
    answer: /^(404 unimplemented|431, closed)$/,
  },
  { title: "headers beyond 16 KiB in count", send: connect(many(2_000)), answer: "431, closed" },
  {
    title: "headers beyond 16 KiB in one value",
    send: connect({ "x-flood": "x".repeat(17_000) }),
    answer: "431, closed",
  },
  {
    title: "headers beyond 16 KiB in one name",
    send: connect({ ["x".repeat(17_000)]: "x" }),
    answer: "431, closed",
  },
  {
    title: "headers of 1 MB that nobody ends",
    send: http1(`GET / HTTP/1.1\r\nhost: a\r\n${"x: y\r\n".repeat(180_000)}`),
    answer: "431, closed",
  },
  {
    title: "a path of 20,000 characters",
    send: http1(`GET /${"x".repeat(20_000)} HTTP/1.1\r\nhost: a\r\n\r\n`),
    answer: "431, closed",
  },
  {
    title: "HTTP/2: headers beyond 16 KiB in count",
    send: grpc(many(500, "x".repeat(40))),
    answer: "reset ENHANCE_YOUR_CALM",
  },
  {
    title: "HTTP/2: headers beyond 16 KiB in one value",
    send: grpc({ "x-flood": "x".repeat(17_000) }),
    answer: "reset ENHANCE_YOUR_CALM",
  },
];

export const headers: Theme = { name: "headers and timeouts", rows };
