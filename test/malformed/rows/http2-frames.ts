/** HTTP/2 whose frames are wrong. Most of it ends the session, some of it a stream alone, some is legal. */
import {
  fields,
  flag,
  frame,
  frames,
  goodRequest,
  preface,
  pseudo,
  rawHttp2,
  settings,
  type,
  uint32,
} from "../http2-frames.ts";
import type { Row, Theme } from "../row.ts";

const listRunners = "/gitpod.v1.RunnerService/ListRunners";
const whole = flag.endHeaders | flag.endStream;

/** HEADERS of a whole request on stream 1. */
const headers = (...pairs: readonly (readonly [string, string])[]) =>
  frame(type.headers, whole, 1, fields(...pairs));
const post = [...pseudo("POST", listRunners), ["content-type", "application/json"]] as const;
const opened = frame(type.headers, flag.endHeaders, 1, fields(...post));

/** Node says INTERNAL_ERROR where it is itself that ends the session. */
const fatal = (name: string) => new RegExp(`^goaway (${name}|INTERNAL_ERROR)$`);
const protocolError = fatal("PROTOCOL_ERROR");
const sizeError = fatal("FRAME_SIZE_ERROR");
const flowError = fatal("FLOW_CONTROL_ERROR");
const streamError = "reset PROTOCOL_ERROR";

const row = (title: string, answer: string | RegExp, ...sent: readonly Uint8Array[]): Row => ({
  title,
  send: frames(...sent),
  answer,
});

/**
 * The same, where Node stops reading the connection and so does not hear that the client hangs up: it goes when it
 * answers no ping, which test/http/one-port.test.ts has.
 */
const heldRow = (title: string, answer: string | RegExp, ...sent: readonly Uint8Array[]): Row => ({
  ...row(title, answer, ...sent),
  isHeld: true,
  // When the call that was begun is given up.
  options: { requestTimeout: "200ms" },
});

/** Of windows that overflow: Node before 20.20 holds these sessions, too. */
const flowRow = /^v20\.19\./.test(process.version) ? heldRow : row;

/** One after the other, on streams of their own. */
const each = (count: number, make: (stream: number) => Uint8Array) =>
  Buffer.concat(Array.from({ length: count }, (_, index) => make(2 * index + 1)));

const rows: readonly Row[] = [
  {
    title: "a preface that differs in its last byte",
    send: rawHttp2(Buffer.from(`${preface.toString("latin1", 0, 23)}!`)),
    answer: "closed",
  },
  {
    title: "a preface without SETTINGS after it",
    send: rawHttp2(preface, goodRequest(1)),
    answer: protocolError,
  },
  {
    title: "the preface twice",
    send: rawHttp2(preface, preface),
    answer: /^goaway (PROTOCOL_ERROR|FRAME_SIZE_ERROR|INTERNAL_ERROR)$/,
  },
  {
    title: "the preface, then HTTP/1.1",
    send: rawHttp2(preface, Buffer.from("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")),
    answer: /^goaway (PROTOCOL_ERROR|FRAME_SIZE_ERROR|INTERNAL_ERROR)$/,
  },
  row(
    "a frame of a type that there is not, which is legal",
    "200",
    frame(0xfa, 0xff, 0, Buffer.from("x")),
    goodRequest(1),
  ),
  row(
    "a frame of unknown flags, which is legal",
    "200",
    frame(type.ping, 0xfe, 0, Buffer.alloc(8)),
    goodRequest(1),
  ),
  row("a setting that there is not, which is legal", "200", settings([0xff, 1]), goodRequest(1)),
  heldRow("a frame larger than was allowed", sizeError, opened, frame(type.data, 0, 1, Buffer.alloc(16_385))),
  heldRow(
    "a frame of 16 MiB, of which the head alone comes",
    sizeError,
    opened,
    Uint8Array.of(0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1),
  ),
  heldRow("DATA on stream 0", protocolError, frame(type.data, 0, 0, Buffer.from("{}"))),
  heldRow(
    "DATA on a stream that nobody opened",
    /^goaway (PROTOCOL_ERROR|STREAM_CLOSED)$/,
    frame(type.data, flag.endStream, 1, Buffer.from("{}")),
  ),
  heldRow(
    "DATA with more padding than data",
    protocolError,
    opened,
    frame(type.data, flag.padded, 1, Uint8Array.of(9, 1)),
  ),
  heldRow(
    "DATA after the end of its stream",
    /^(goaway|reset) STREAM_CLOSED()?$/,
    frame(type.headers, whole, 1, fields(...post)),
    frame(type.data, 0, 1, Buffer.from("{}")),
  ),
  row(
    "DATA of another length than content-length says",
    streamError,
    frame(type.headers, flag.endHeaders, 1, fields(...post, ["content-length", "9"])),
    frame(type.data, flag.endStream, 1, Buffer.from("{}")),
  ),
  row("HEADERS on stream 0", protocolError, frame(type.headers, whole, 0, fields(...post))),
  row("HEADERS on a stream of the server", protocolError, frame(type.headers, whole, 2, fields(...post))),
  row(
    "HEADERS on a stream with a smaller number than one before",
    /^goaway (PROTOCOL_ERROR|STREAM_CLOSED)$|^200$/,
    goodRequest(3),
    frame(type.headers, whole, 1, fields(...post)),
  ),
  heldRow(
    "HEADERS of HPACK with an index that there is not",
    "goaway COMPRESSION_ERROR",
    frame(type.headers, whole, 1, Uint8Array.of(0xff, 0xff, 0x7f)),
  ),
  heldRow(
    "HEADERS of HPACK with index 0",
    "goaway COMPRESSION_ERROR",
    frame(type.headers, whole, 1, Uint8Array.of(0x80)),
  ),
  heldRow(
    "HEADERS of HPACK that breaks off",
    "goaway COMPRESSION_ERROR",
    frame(type.headers, whole, 1, Uint8Array.of(0, 9, 0x61)),
  ),
  heldRow(
    "HEADERS of HPACK with a number that never ends",
    "goaway COMPRESSION_ERROR",
    frame(type.headers, whole, 1, Buffer.alloc(40, 0xff)),
  ),
  heldRow(
    "HEADERS of HPACK with Huffman code that is none",
    "goaway COMPRESSION_ERROR",
    frame(type.headers, whole, 1, Uint8Array.of(0, 0x81, 0xff, 0x81, 0xff)),
  ),
  heldRow(
    "HEADERS of HPACK with a table of 1 GiB",
    "goaway COMPRESSION_ERROR",
    frame(type.headers, whole, 1, Uint8Array.of(0x3f, 0xe1, 0xff, 0xff, 0xff, 0x03)),
  ),
  heldRow(
    "HEADERS with more padding than headers",
    protocolError,
    frame(type.headers, whole | flag.padded, 1, Uint8Array.of(200, 0)),
  ),
  row(
    "HEADERS that depend on themselves",
    protocolError,
    frame(
      type.headers,
      whole | flag.priority,
      1,
      Buffer.concat([uint32(1), Uint8Array.of(0), fields(...pseudo("GET", "/healthz"))]),
    ),
  ),
  row("a header name in capitals", streamError, headers(...pseudo("GET", "/healthz"), ["X-Capital", "1"])),
  row(
    "a header name with a space, which is left out",
    "200",
    headers(...pseudo("GET", "/healthz"), ["x y", "1"]),
  ),
  row("an empty header name, which is left out", "200", headers(...pseudo("GET", "/healthz"), ["", "1"])),
  row(
    "a header value with a line break, which is left out",
    "200",
    headers(...pseudo("GET", "/healthz"), ["x", "a\r\nb: c"]),
  ),
  row(
    "a header value with a zero byte, which is left out",
    "200",
    headers(...pseudo("GET", "/healthz"), ["x", "a\0b"]),
  ),
  row("no :method", streamError, headers([":scheme", "http"], [":path", "/healthz"])),
  row("no :path", streamError, headers([":method", "GET"], [":scheme", "http"])),
  row("an empty :path", streamError, headers(...pseudo("GET", ""))),
  row("no :scheme", streamError, headers([":method", "GET"], [":path", "/healthz"])),
  row("no header at all", streamError, headers()),
  row(":path twice", streamError, headers(...pseudo("GET", "/healthz"), [":path", "/readyz"])),
  row(
    "a pseudo header that there is not",
    streamError,
    headers(...pseudo("GET", "/healthz"), [":world", "x"]),
  ),
  row(
    "the pseudo header of responses",
    streamError,
    headers(...pseudo("GET", "/healthz"), [":status", "200"]),
  ),
  row("a pseudo header after others", streamError, headers(["x", "1"], ...pseudo("GET", "/healthz"))),
  row(
    "connection, which HTTP/2 does not have",
    streamError,
    headers(...pseudo("GET", "/healthz"), ["connection", "close"]),
  ),
  row(
    "transfer-encoding, which HTTP/2 does not have",
    streamError,
    headers(...pseudo("POST", listRunners), ["transfer-encoding", "chunked"]),
  ),
  row("te with more than trailers", streamError, headers(...pseudo("POST", listRunners), ["te", "gzip"])),
  row(
    "two lengths that differ",
    streamError,
    headers(...pseudo("POST", listRunners), ["content-length", "1"], ["content-length", "2"]),
  ),
  row(
    "a tunnel to somewhere else",
    /^(reset|status|40[04])/,
    headers([":method", "CONNECT"], [":authority", "example.com:443"]),
  ),
  heldRow(
    "CONTINUATION that nothing was begun for",
    protocolError,
    frame(type.continuation, flag.endHeaders, 1, fields(...post)),
  ),
  heldRow(
    "CONTINUATION of another stream",
    protocolError,
    frame(type.headers, flag.endStream, 1, fields(...post)),
    frame(type.continuation, flag.endHeaders, 3),
  ),
  heldRow(
    "another frame between HEADERS and CONTINUATION",
    protocolError,
    frame(type.headers, flag.endStream, 1, fields(...post)),
    frame(type.ping, 0, 0, Buffer.alloc(8)),
  ),
  row(
    "10,000 frames of CONTINUATION",
    /^(goaway|closed)/,
    frame(type.headers, flag.endStream, 1),
    ...Array.from({ length: 10_000 }, (_, index) =>
      frame(type.continuation, 0, 1, fields([`x-flood-${index}`, "x".repeat(64)])),
    ),
  ),
  row(
    "10,000 empty frames of CONTINUATION",
    /^(goaway|closed)/,
    frame(type.headers, flag.endStream, 1),
    ...Array.from({ length: 10_000 }, () => frame(type.continuation, 0, 1)),
  ),
  row(
    "trailers without an end",
    streamError,
    opened,
    frame(type.headers, flag.endHeaders, 1, fields(["x", "1"])),
  ),
  row(
    "trailers with a pseudo header",
    streamError,
    opened,
    frame(type.headers, whole, 1, fields([":path", "/healthz"])),
  ),
  row("SETTINGS on a stream", protocolError, frame(type.settings, 0, 1)),
  heldRow("SETTINGS of a length that there is not", sizeError, frame(type.settings, 0, 0, Buffer.alloc(5))),
  heldRow(
    "SETTINGS that acknowledge and say something",
    sizeError,
    frame(type.settings, flag.ack, 0, Buffer.alloc(6)),
  ),
  row("SETTINGS with push neither on nor off", protocolError, settings([2, 2])),
  flowRow("SETTINGS with a window of 4 GiB", flowError, settings([4, 0xffffffff])),
  row("SETTINGS with frames smaller than there may be", protocolError, settings([5, 1])),
  row("SETTINGS with frames larger than there may be", protocolError, settings([5, 0xffffffff])),
  row("WINDOW_UPDATE by nothing", protocolError, frame(type.windowUpdate, 0, 0, uint32(0))),
  flowRow(
    "WINDOW_UPDATE beyond 2 GiB",
    flowError,
    frame(type.windowUpdate, 0, 0, uint32(0x7fffffff)),
    frame(type.windowUpdate, 0, 0, uint32(0x7fffffff)),
  ),
  heldRow("WINDOW_UPDATE of three bytes", sizeError, frame(type.windowUpdate, 0, 0, Buffer.alloc(3))),
  heldRow("PING of seven bytes", sizeError, frame(type.ping, 0, 0, Buffer.alloc(7))),
  row("PING on a stream", protocolError, frame(type.ping, 0, 1, Buffer.alloc(8))),
  row("RST_STREAM on stream 0", protocolError, frame(type.rstStream, 0, 0, uint32(8))),
  row("RST_STREAM of a stream that nobody opened", protocolError, frame(type.rstStream, 0, 1, uint32(8))),
  heldRow("RST_STREAM of three bytes", sizeError, opened, frame(type.rstStream, 0, 1, Buffer.alloc(3))),
  heldRow(
    "PRIORITY of four bytes",
    /^(goaway|reset) FRAME_SIZE_ERROR/,
    opened,
    frame(type.priority, 0, 1, Buffer.alloc(4)),
  ),
  row(
    "PUSH_PROMISE from a client",
    protocolError,
    opened,
    frame(type.pushPromise, flag.endHeaders, 1, Buffer.concat([uint32(2), fields(...post)])),
  ),
  row("GOAWAY on a stream", protocolError, frame(type.goaway, 0, 1, Buffer.alloc(8))),
  heldRow("GOAWAY of seven bytes", sizeError, frame(type.goaway, 0, 0, Buffer.alloc(7))),
  heldRow(
    "5,000 streams that are reset at once",
    /^goaway/,
    each(5_000, (stream) =>
      Buffer.concat([goodRequest(stream), frame(type.rstStream, 0, stream, uint32(8))]),
    ),
  ),
  row(
    "100,000 frames of PING",
    /^(goaway|closed)/,
    Buffer.concat(Array.from({ length: 100_000 }, () => frame(type.ping, 0, 0, Buffer.alloc(8)))),
  ),
  row(
    "100,000 frames of SETTINGS",
    /^(goaway|closed)/,
    Buffer.concat(Array.from({ length: 100_000 }, () => settings([4, 65_535]))),
  ),
];

export const http2Frames: Theme = { name: "HTTP/2 frames", rows };
