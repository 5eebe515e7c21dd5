/** Clients that take their time, go silent, hang up or leave in the middle. */
import { connect } from "node:http2";
import { get, Http1Connection, http1, post } from "../http1-client.ts";
import { http2 } from "../http2-client.ts";
import {
  FrameConnection,
  fields,
  flag,
  frame,
  goodRequest,
  preface,
  pseudo,
  settings,
  type,
} from "../http2-frames.ts";
import type { Row, Send, Theme } from "../row.ts";
import { envelope } from "./envelope.ts";

const listRunners = "/gitpod.v1.RunnerService/ListRunners";
const watchEvents = "/gitpod.v1.EventService/WatchEvents";

/** Node looks for what is late every second. */
const impatient = { requestTimeout: "200ms" } as const;
const head = (...lines: readonly string[]) =>
  [`POST ${listRunners} HTTP/1.1`, "host: a", "content-type: application/json", ...lines, "", ""].join(
    "\r\n",
  );
const left = { answer: "left", text: "", again: undefined, end() {} };

/** Begins to watch, and leaves as soon as the watch has begun. */
const leavesWatch: Send = async (port) => {
  const connection = await Http1Connection.open(port);
  connection.write(post(watchEvents, { "content-type": "application/jsonl" }, '{"organization": true}'));
  await new Promise((resolve) => connection.socket.once("data", resolve));
  await connection.reset();
  return left;
};

const leavesGrpcWatch: Send = async (port) => {
  const session = connect(`http://127.0.0.1:${port}`);
  const stream = session.request({
    ":method": "POST",
    ":path": watchEvents,
    "content-type": "application/grpc",
  });
  stream.end(envelope(0, Uint8Array.of(0x08, 0x01)));
  await new Promise((resolve) => stream.once("response", resolve));
  // The whole connection, without a word.
  session.destroy();
  return left;
};

/** @param after what is waited for before the client is gone; default: that all is with the system */
const leaves =
  (...sent: readonly Uint8Array[]): Send =>
  async (port) => {
    const connection = await FrameConnection.open(port);
    connection.write(...sent);
    // The server's SETTINGS: by then it has read ours.
    await connection.next();
    connection.socket.resetAndDestroy();
    return left;
  };

const hangsUp =
  (...sent: readonly Uint8Array[]): Send =>
  async (port) => {
    const connection = await FrameConnection.open(port);
    connection.socket.end(Buffer.concat(sent));
    return connection.exchange();
  };

const rows: readonly Row[] = [
  {
    title: "headers that never end",
    send: http1(head("x: y").slice(0, -2)),
    answer: "408, closed",
    options: impatient,
  },
  {
    title: "a request line that never ends",
    send: http1("POST /gitpod"),
    answer: "408, closed",
    options: impatient,
  },
  {
    title: "a body that never ends",
    send: http1(`${head("content-length: 100")}{`),
    answer: "408, closed",
    options: impatient,
  },
  {
    title: "chunks that never end",
    send: http1(`${head("transfer-encoding: chunked")}1\r\n{\r\n`),
    answer: "408, closed",
    options: impatient,
  },
  {
    title: "a chunk size that never ends",
    send: http1(`${head("transfer-encoding: chunked")}1`),
    answer: "408, closed",
    options: impatient,
  },
  {
    title: "a body that was announced and never comes",
    send: http1(head("content-length: 100", "expect: 100-continue")),
    answer: "408, closed",
    options: impatient,
  },
  {
    title: "a good request, then headers that never end",
    send: http1(Buffer.concat([get("/healthz"), Buffer.from(head().slice(0, -2))]), { answers: 2 }),
    answer: "200, 408, closed",
    options: impatient,
  },
  {
    title: "HTTP/2: a body that never ends",
    send: http2({
      headers: { ":path": listRunners, "content-type": "application/json" },
      body: "{",
      open: true,
    }),
    answer: "reset CANCEL",
    options: impatient,
  },
  {
    title: "HTTP/2: a gRPC message that never ends",
    send: http2({
      headers: { ":path": listRunners, "content-type": "application/grpc" },
      body: envelope(0, "a", 9),
      open: true,
    }),
    answer: "reset CANCEL",
    options: impatient,
  },
  {
    title: "HTTP/2: a stream's request that never comes",
    send: http2({
      headers: { ":path": watchEvents, "content-type": "application/connect+json" },
      open: true,
    }),
    answer: "reset CANCEL",
    options: impatient,
  },
  {
    title: "HTTP/2: a body that does not come within connect-timeout-ms",
    send: http2({
      headers: { ":path": listRunners, "content-type": "application/json", "connect-timeout-ms": "50" },
      body: "{",
      open: true,
    }),
    answer: "504 deadline_exceeded",
  },
  {
    title: "HTTP/2: a message that does not come within grpc-timeout",
    send: http2({
      headers: { ":path": listRunners, "content-type": "application/grpc", "grpc-timeout": "50m" },
      body: envelope(0, "", 9),
      open: true,
    }),
    answer: "grpc 4",
  },
  {
    title: "a body that does not come within connect-timeout-ms",
    send: http1(`${head("content-length: 100", "connect-timeout-ms: 50")}{`, { isPart: true }),
    answer: "504 deadline_exceeded",
  },
  { title: "hangs up before anything", send: http1("", { afterwards: "end" }), answer: "closed" },
  {
    title: "hangs up in the request line",
    send: http1("POST /gitpod", { afterwards: "end" }),
    answer: "400, closed",
  },
  {
    title: "hangs up in the headers",
    send: http1(head("x: y").slice(0, -2), { afterwards: "end" }),
    answer: "400, closed",
  },
  {
    title: "hangs up in the body",
    send: http1(`${head("content-length: 100")}{`, { afterwards: "end" }),
    answer: "400, closed",
  },
  {
    title: "hangs up in a chunk",
    send: http1(`${head("transfer-encoding: chunked")}9\r\n{`, { afterwards: "end" }),
    answer: "400, closed",
  },
  {
    title: "hangs up after a whole request, which is legal",
    send: http1(post(listRunners, { "content-type": "application/json" }, "{}"), { afterwards: "end" }),
    answer: /^200(, closed)?$/,
  },
  {
    title: "leaves in the headers",
    send: http1(head("x: y").slice(0, -2), { afterwards: "reset" }),
    answer: "left",
  },
  {
    title: "leaves in the body",
    send: http1(`${head("content-length: 100")}{`, { afterwards: "reset" }),
    answer: "left",
  },
  {
    title: "leaves before the answer",
    send: http1(post(listRunners, { "content-type": "application/json" }, "{}"), { afterwards: "reset" }),
    answer: "left",
  },
  { title: "leaves a stream of lines that has begun", send: leavesWatch, answer: "left" },
  { title: "leaves a gRPC stream that has begun", send: leavesGrpcWatch, answer: "left" },
  { title: "HTTP/2: hangs up in the preface", send: hangsUp(preface.subarray(0, 12)), answer: "closed" },
  { title: "HTTP/2: hangs up after the preface", send: hangsUp(preface), answer: "closed" },
  {
    title: "HTTP/2: hangs up in a frame",
    send: hangsUp(preface, settings(), goodRequest(1).subarray(0, 12)),
    answer: "closed",
  },
  {
    title: "HTTP/2: leaves between HEADERS and CONTINUATION",
    send: leaves(
      preface,
      settings(),
      frame(type.headers, flag.endStream, 1, fields(...pseudo("POST", listRunners))),
    ),
    answer: "left",
  },
  {
    title: "HTTP/2: leaves in a body",
    send: leaves(
      preface,
      settings(),
      frame(
        type.headers,
        flag.endHeaders,
        1,
        fields(...pseudo("POST", listRunners), ["content-type", "application/json"]),
      ),
      frame(type.data, 0, 1, Buffer.from("{")),
    ),
    answer: "left",
  },
  {
    title: "HTTP/2: leaves with a window that lets no answer through",
    send: leaves(preface, settings([4, 0]), goodRequest(1), goodRequest(3)),
    answer: "left",
  },
];

export const slowConnections: Theme = { name: "slow and half-closed connections", rows };
