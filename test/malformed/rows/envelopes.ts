/** Messages whose envelopes are wrong: flags, lengths, and how many there are. */
import { http1, post } from "../http1-client.ts";
import { http2 } from "../http2-client.ts";
import type { Row, Send, Theme } from "../row.ts";
import { envelope } from "./envelope.ts";

const listRunners = "/gitpod.v1.RunnerService/ListRunners";
const watchEvents = "/gitpod.v1.EventService/WatchEvents";
const reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

const grpc = (body: Uint8Array | readonly Uint8Array[], path = listRunners): Send =>
  http2({ headers: { ":path": path, "content-type": "application/grpc" }, body });
const web = (body: Uint8Array): Send =>
  http1(post(listRunners, { "content-type": "application/grpc-web+proto" }, body));
const stream = (body: Uint8Array | string, codec = "json"): Send =>
  http1(post(watchEvents, { "content-type": `application/connect+${codec}` }, body));
const ask = (body: Uint8Array, contentType = "application/grpc"): Send =>
  http2({ headers: { ":path": reflection, "content-type": contentType }, body });

const promised = /promised|breaks off/;
const listServices = Uint8Array.of(0x3a, 0x01, 0x2a);

const rows: readonly Row[] = [
  { title: "gRPC: no message", send: grpc(Buffer.alloc(0)), answer: "grpc 12", says: /no message/ },
  {
    title: "gRPC: two messages",
    send: grpc(Buffer.concat([envelope(0), envelope(0)])),
    answer: "grpc 12",
    says: /more than one/,
  },
  {
    title: "gRPC: two messages in two frames",
    send: grpc([envelope(0), envelope(0)]),
    answer: "grpc 12",
    says: /more than one/,
  },
  {
    title: "gRPC: a message and a part of the next",
    send: grpc(Buffer.concat([envelope(0), Uint8Array.of(0)])),
    answer: "grpc 12",
  },
  {
    title: "gRPC: a prefix that breaks off",
    send: grpc(Uint8Array.of(0, 0, 0)),
    answer: "grpc 3",
    says: /prefix/,
  },
  {
    title: "gRPC: a message that breaks off",
    send: grpc(envelope(0, "", 9)),
    answer: "grpc 3",
    says: promised,
  },
  {
    title: "gRPC: a message of 4 GiB that never comes",
    send: grpc(envelope(0, "", 0xffffffff)),
    answer: /^grpc (3|8)$/,
  },
  {
    title: "gRPC: compressed, without saying how",
    send: grpc(envelope(1)),
    answer: "grpc 3",
    says: /compressed/,
  },
  { title: "gRPC: flags that there are not", send: grpc(envelope(0x40)), answer: "grpc 3", says: /flag/ },
  {
    title: "gRPC: the flag that ends a Connect stream",
    send: grpc(envelope(2, "{}")),
    answer: "grpc 3",
    says: /flag/,
  },
  {
    title: "gRPC: the flag of a gRPC-Web trailer",
    send: grpc(envelope(0x80, "grpc-status: 0\r\n")),
    answer: "grpc 3",
    says: /flag/,
  },
  { title: "gRPC: JSON, said to be protobuf", send: grpc(envelope(0, '{"a":1}')), answer: "grpc 3" },
  { title: "gRPC: bare protobuf without a prefix", send: grpc(Uint8Array.of(0x0a, 0x00)), answer: "grpc 3" },
  {
    title: "gRPC: a stream's request that breaks off",
    send: grpc(envelope(0, "", 9), watchEvents),
    answer: "grpc 3",
  },
  {
    title: "gRPC: two requests of a stream that takes one",
    send: grpc(Buffer.concat([envelope(0), envelope(0)]), watchEvents),
    answer: "grpc 12",
  },
  {
    title: "gRPC: no request of a stream that takes one",
    send: grpc(Buffer.alloc(0), watchEvents),
    answer: "grpc 12",
  },
  { title: "gRPC-Web: no message", send: web(Buffer.alloc(0)), answer: "grpc 12", says: /no message/ },
  {
    title: "gRPC-Web: two messages",
    send: web(Buffer.concat([envelope(0), envelope(0)])),
    answer: "grpc 12",
  },
  {
    title: "gRPC-Web: a message that breaks off",
    send: web(envelope(0, "a", 9)),
    answer: "grpc 3",
    says: promised,
  },
  {
    title: "gRPC-Web: a trailer in the place of the message",
    send: web(envelope(0x80, "grpc-status: 0\r\n")),
    answer: "grpc 3",
    says: /flag/,
  },
  {
    title: "gRPC-Web: in base64, said to be binary",
    send: web(Buffer.from(envelope(0).toString("base64"))),
    answer: "grpc 3",
  },
  {
    title: "gRPC-Web: in base64, which nobody here reads",
    send: http1(post(listRunners, { "content-type": "application/grpc-web-text" }, "AAAAAAA=")),
    answer: "415 invalid_argument",
  },
  { title: "Connect stream: nothing", send: stream(""), answer: "stream unimplemented" },
  {
    title: "Connect stream: JSON without an envelope",
    send: stream('{"organization": true}'),
    answer: "stream invalid_argument",
  },
  {
    title: "Connect stream: an envelope that breaks off",
    send: stream(envelope(0, "{", 2)),
    answer: "stream invalid_argument",
  },
  {
    title: "Connect stream: flags that there are not",
    send: stream(envelope(0x7c, "{}")),
    answer: "stream invalid_argument",
    says: /flag/,
  },
  {
    title: "Connect stream: compressed, without saying how",
    send: stream(envelope(1, "{}")),
    answer: "stream invalid_argument",
  },
  {
    title: "Connect stream: an end of stream from the client",
    send: stream(envelope(2, "{}")),
    answer: "stream invalid_argument",
    says: /flag/,
  },
  {
    title: "Connect stream: two requests",
    send: stream(Buffer.concat([envelope(0, "{}"), envelope(0, "{}")])),
    answer: "stream unimplemented",
  },
  {
    title: "Connect stream: protobuf that breaks off",
    send: stream(envelope(0, Uint8Array.of(0x12, 0x09)), "proto"),
    answer: "stream invalid_argument",
  },
  {
    title: "Connect stream: JSON, said to be protobuf",
    send: stream(envelope(0, '{"organization": true}'), "proto"),
    answer: "stream invalid_argument",
  },
  {
    title: "reflection: protobuf that breaks off",
    send: ask(envelope(0, Uint8Array.of(0x3a, 0x09))),
    answer: "grpc 3",
  },
  {
    title: "reflection: protobuf 100,000 groups deep",
    send: ask(envelope(0, Buffer.alloc(100_000, 0x7b))),
    answer: "grpc 3",
  },
  {
    title: "reflection: a good question, then one that breaks off",
    send: ask(Buffer.concat([envelope(0, listServices), envelope(0, "", 3)])),
    answer: "grpc 3",
  },
  {
    title: "reflection: a message that is larger than 4 MiB",
    send: ask(envelope(0, Buffer.alloc(4 * 1024 * 1024 + 1))),
    answer: "grpc 8",
  },
  {
    title: "reflection: compressed, without saying how",
    send: ask(envelope(1, listServices)),
    answer: "grpc 3",
  },
  {
    title: "reflection: flags that there are not",
    send: ask(envelope(0x40, listServices)),
    answer: "grpc 3",
  },
  {
    title: "reflection: a Connect stream of JSON that breaks off",
    send: ask(envelope(0, "{"), "application/connect+json"),
    answer: "stream invalid_argument",
  },
  {
    title: "reflection: a Connect stream with an unknown field",
    send: ask(envelope(0, '{"nope": 1}'), "application/connect+json"),
    answer: "stream invalid_argument",
    says: /nope/,
  },
];

export const envelopes: Theme = { name: "envelopes", rows };
