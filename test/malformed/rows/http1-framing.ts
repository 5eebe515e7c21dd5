/** HTTP/1.1 that is none, or that two parsers could read in two ways: what request smuggling is made of. */
import { get, http1, post, type SendOptions } from "../http1-client.ts";
import type { Row, Theme } from "../row.ts";

const listRunners = "/gitpod.v1.RunnerService/ListRunners";

const raw = (
  title: string,
  bytes: string | Uint8Array,
  answer: string | RegExp = "400, closed",
  options?: SendOptions,
): Row => ({
  title,
  send: http1(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes, options),
  answer,
});

/** A request of ListRunners with these header lines and this body. */
const call = (lines: readonly string[], body = "{}") =>
  [`POST ${listRunners} HTTP/1.1`, "host: a", "content-type: application/json", ...lines, "", body].join(
    "\r\n",
  );

const chunked = (body: string) => call(["transfer-encoding: chunked"], body);
const good = post(listRunners, { "content-type": "application/json" }, "{}");

const rows: readonly Row[] = [
  raw("bytes without a meaning", "\x01\x02\x03\x04\r\n\r\n"),
  raw("zeros alone", new Uint8Array(64)),
  raw("the greeting of TLS", Buffer.from("16030100a5010000a10303", "hex")),
  raw("a message of another protocol", "EHLO mock.example\r\n"),
  raw("a method that there is not", "FROBNICATE / HTTP/1.1\r\nhost: a\r\n\r\n"),
  raw("a method in small letters", "get /healthz HTTP/1.1\r\nhost: a\r\n\r\n"),
  raw("a method that is known and not served", "PROPFIND / HTTP/1.1\r\nhost: a\r\n\r\n", "404 unimplemented"),
  raw("an RPC by PUT", call(["content-length: 2"]).replace("POST", "PUT"), "405 unimplemented"),
  raw("an RPC by DELETE", `DELETE ${listRunners} HTTP/1.1\r\nhost: a\r\n\r\n`, "405 unimplemented"),
  raw(
    "a tunnel to somewhere else",
    "CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n",
    "closed",
  ),
  raw("a trace", "TRACE / HTTP/1.1\r\nhost: a\r\n\r\n", "404 unimplemented"),
  raw("no version, which is HTTP/0.9", "GET /healthz\r\nhost: a\r\n\r\n", /^(200|400), closed$/),
  raw("version 9.9", "GET /healthz HTTP/9.9\r\nhost: a\r\n\r\n"),
  raw("version 2.0 without its preface", "GET /healthz HTTP/2.0\r\nhost: a\r\n\r\n", /^(200|400), closed$/),
  raw("a version in small letters", "GET /healthz http/1.1\r\nhost: a\r\n\r\n"),
  raw("a space in the path", "GET /health z HTTP/1.1\r\nhost: a\r\n\r\n"),
  raw("a path without a slash", "GET healthz HTTP/1.1\r\nhost: a\r\n\r\n"),
  raw("an asterisk for a path", "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", "400"),
  raw("no host", "GET /healthz HTTP/1.1\r\n\r\n"),
  raw(
    "both a length and chunks",
    call(["content-length: 2", "transfer-encoding: chunked"], "2\r\n{}\r\n0\r\n\r\n"),
  ),
  raw(
    "both chunks and a length",
    call(["transfer-encoding: chunked", "content-length: 2"], "2\r\n{}\r\n0\r\n\r\n"),
  ),
  raw("two lengths that differ", call(["content-length: 2", "content-length: 3"])),
  raw("two lengths in one header", call(["content-length: 2, 2"])),
  raw("a length with a sign", call(["content-length: +2"])),
  raw("a negative length", call(["content-length: -1"])),
  raw("a length in letters", call(["content-length: two"])),
  raw("a hexadecimal length", call(["content-length: 0x2"])),
  raw("an empty length", call(["content-length: "])),
  raw("a length of 20 digits", call([`content-length: ${"9".repeat(20)}`])),
  raw("a length that is longer than what comes", call(["content-length: 100"]), "400, closed", {
    afterwards: "end",
  }),
  raw(
    "a length that is shorter than what comes",
    call(["content-length: 2"], "{}{}"),
    /^(200, )?400, closed$/,
    {
      answers: 2,
    },
  ),
  raw(
    "a second request in the body of one without a length",
    call([], good.toString()),
    /^(400 invalid_argument, 200|400 invalid_argument)$/,
    { answers: 2 },
  ),
  raw(
    "an encoding that is not chunked at its end",
    call(["transfer-encoding: chunked, gzip"], "2\r\n{}\r\n0\r\n\r\n"),
  ),
  raw("an encoding that nobody knows", call(["transfer-encoding: xchunked"], "2\r\n{}\r\n0\r\n\r\n")),
  raw(
    "chunked twice",
    call(["transfer-encoding: chunked", "transfer-encoding: chunked"], "2\r\n{}\r\n0\r\n\r\n"),
    /^(400, closed|200)$/,
  ),
  raw(
    "chunked, written with a tab and a line break before",
    call(["transfer-encoding:\x0bchunked"], "2\r\n{}\r\n0\r\n\r\n"),
  ),
  raw("a chunk size in letters", chunked("zz\r\n{}\r\n0\r\n\r\n")),
  raw("a negative chunk size", chunked("-2\r\n{}\r\n0\r\n\r\n")),
  raw("a chunk size with a prefix", chunked("0x2\r\n{}\r\n0\r\n\r\n")),
  raw("a chunk size of 17 digits", chunked("10000000000000002\r\n{}\r\n0\r\n\r\n")),
  raw("an empty chunk size", chunked("\r\n{}\r\n0\r\n\r\n")),
  raw("a chunk that is longer than it says", chunked("1\r\n{}\r\n0\r\n\r\n")),
  raw("a chunk size that ends in a line feed alone", chunked("2\n{}\r\n0\r\n\r\n")),
  raw(
    "a chunk extension of 20,000 characters",
    chunked(`2;${"x".repeat(20_000)}\r\n{}\r\n0\r\n\r\n`),
    "400, closed",
  ),
  raw(
    "trailers of 20,000 characters",
    chunked(`2\r\n{}\r\n0\r\nx: ${"x".repeat(20_000)}\r\n\r\n`),
    "431, closed",
  ),
  raw("a header that goes on in the next line", call(["x-folded: one\r\n two", "content-length: 2"])),
  raw("a space before a header's colon", call(["x-spaced : one", "content-length: 2"])),
  raw(
    "a space before the first header",
    `POST ${listRunners} HTTP/1.1\r\n host: a\r\ncontent-length: 0\r\n\r\n`,
  ),
  raw("a header without a name", call([": one", "content-length: 2"])),
  raw("a header without a colon", call(["nothing", "content-length: 2"])),
  raw("a header with bytes that no name has", call(["x(y): one", "content-length: 2"])),
  raw("a zero byte in a header", call(["x-zero: a\0b", "content-length: 2"])),
  raw("a carriage return alone in a header", call(["x-return: a\rb", "content-length: 2"])),
  raw("line feeds without carriage returns", "GET /healthz HTTP/1.1\nhost: a\n\n"),
  raw("an expectation that nobody can meet", call(["expect: 200-ok", "content-length: 2"]), /^417/),
  raw(
    "good requests in a row, then garbage",
    Buffer.concat([good, good, good, Buffer.from("garbage\r\n\r\n")]),
    /^(200, ){0,3}400, closed$/,
    { answers: 4 },
  ),
  raw(
    "a good request, then zeros",
    Buffer.concat([get("/healthz"), new Uint8Array(32)]),
    /^(200, )?400, closed$/,
    { answers: 2 },
  ),
  raw(
    "an upgrade to what is not spoken",
    call(["connection: upgrade", "upgrade: websocket", "content-length: 2"]),
    "200",
  ),
];

export const http1Framing: Theme = { name: "HTTP/1.1 framing", rows };
