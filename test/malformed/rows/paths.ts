/** Paths and world names with tricks in them, over each base. */
import { get, http1, post } from "../http1-client.ts";
import { http2 } from "../http2-client.ts";
import type { Row, Theme } from "../row.ts";
import { envelope } from "./envelope.ts";

const listRunners = "/gitpod.v1.RunnerService/ListRunners";

const call = (path: string, headers: Readonly<Record<string, string>> = {}) =>
  http1(post(path, { "content-type": "application/json", ...headers }, "{}"));
const grpc = (path: string, world?: string) =>
  http2({
    headers: {
      ":path": path,
      "content-type": "application/grpc",
      ...(world !== undefined && { "runner-mock-world": world }),
    },
    body: envelope(0),
  });

const unknown = "404 unimplemented";
const invalid = "400 invalid_argument";
const noWorld = /^invalid world name /;

/** Below a world's base, with a name that is none. */
const badWorld = (what: string, name: string, base: "" | "/api" = ""): Row => ({
  title: `a world whose name is ${what}${base && `, below ${base}`}`,
  send: call(`/w/${name}${base}${listRunners}`),
  answer: invalid,
  says: noWorld,
});

const rows: readonly Row[] = [
  badWorld("empty", ""),
  badWorld("empty", "", "/api"),
  badWorld("in capitals", "World"),
  badWorld("64 characters long", "w".repeat(64)),
  badWorld("64 characters long", "w".repeat(64), "/api"),
  badWorld("8,000 characters long", "w".repeat(8_000)),
  badWorld("a dot", "."),
  badWorld("two dots", ".."),
  badWorld("two dots", "..", "/api"),
  badWorld("two dots, encoded", "%2e%2e"),
  badWorld("a slash, encoded", "a%2Fb"),
  badWorld("a zero byte, encoded", "a%00b"),
  badWorld("a backslash", "a\\b"),
  badWorld("a space, encoded", "a%20b"),
  badWorld("a line break, encoded", "a%0d%0ab"),
  badWorld("percent signs that encode nothing", "%zz"),
  badWorld("a letter with a mark, encoded", "w%C3%A9lt"),
  badWorld("an encoded letter", "%61"),
  badWorld("begun with a dash", "-a"),
  badWorld("a semicolon and what follows it", "a;b=c"),
  badWorld("with a star", "*"),
  {
    title: "a world name with bytes beyond ASCII",
    send: call(`/w/w\xe9lt${listRunners}`),
    answer: "400, closed",
  },
  { title: "a world, and two dots to leave it", send: call(`/w/x/..${listRunners}`), answer: unknown },
  {
    title: "a world, and encoded dots to leave it",
    send: call(`/w/x/%2e%2e${listRunners}`),
    answer: unknown,
  },
  { title: "a world within a world", send: call(`/w/x/w/y${listRunners}`), answer: unknown },
  { title: "the API's base twice", send: call(`/api/api${listRunners}`), answer: unknown },
  { title: "the API's base before a world", send: call(`/api/w/x${listRunners}`), answer: unknown },
  { title: "the API's base with dots to leave it", send: call(`/api/../api${listRunners}`), answer: unknown },
  { title: "the API's base in capitals", send: call(`/API${listRunners}`), answer: unknown },
  { title: "a world without anything behind it", send: http1(get("/w/x")), answer: unknown },
  { title: "the worlds' base alone", send: http1(get("/w")), answer: unknown },
  {
    title: "a bad world in the header",
    send: call(listRunners, { "runner-mock-world": "-x" }),
    answer: invalid,
    says: noWorld,
  },
  {
    title: "an empty world in the header",
    send: call(listRunners, { "runner-mock-world": "" }),
    answer: invalid,
    says: noWorld,
  },
  {
    title: "two worlds in the header",
    send: call(listRunners, { "runner-mock-world": "a, b" }),
    answer: invalid,
    says: noWorld,
  },
  {
    title: "a bad world in the path, a good one in the header",
    send: call(`/w/Bad${listRunners}`, { "runner-mock-world": "good" }),
    answer: invalid,
    says: noWorld,
  },
  {
    title: "a bad world and an unknown RPC",
    send: call("/w/Bad/gitpod.v1.RunnerService/Nope"),
    answer: unknown,
  },
  {
    title: "a bad world and the discovery of its issuer",
    send: http1(get("/w/Bad/.well-known/openid-configuration")),
    answer: invalid,
    says: noWorld,
  },
  {
    title: "a bad world and a body that breaks off",
    send: http1(post(`/w/Bad${listRunners}`, { "content-type": "application/json" }, "{")),
    answer: invalid,
    says: noWorld,
  },
  {
    title: "gRPC: a bad world in the path",
    send: grpc(`/w/%00${listRunners}`),
    answer: "grpc 3",
    says: noWorld,
  },
  {
    title: "gRPC: a bad world in the header",
    send: grpc(listRunners, "Bad World"),
    answer: "grpc 3",
    says: noWorld,
  },
  {
    title: "gRPC: a world of 8,000 characters in the header",
    send: grpc(listRunners, "w".repeat(8_000)),
    answer: "grpc 3",
    says: noWorld,
  },
  {
    title: "gRPC: an RPC that there is not, in a world",
    send: grpc("/w/x/gitpod.v1.RunnerService/Nope"),
    answer: "grpc 12",
  },
  { title: "an RPC that there is not", send: call("/gitpod.v1.RunnerService/Nope"), answer: unknown },
  {
    title: "an RPC that there is not, below /api",
    send: call("/api/gitpod.v1.RunnerService/Nope"),
    answer: unknown,
  },
  {
    title: "a service that there is not, in a world below /api",
    send: call("/w/x/api/gitpod.v1.Nope/Nope"),
    answer: unknown,
  },
  { title: "an RPC in small letters", send: call("/gitpod.v1.runnerservice/listrunners"), answer: unknown },
  { title: "an RPC with a slash at its end", send: call(`${listRunners}/`), answer: unknown },
  { title: "an RPC with two slashes before it", send: call(`/${listRunners}`), answer: unknown },
  { title: "a path that cannot be decoded", send: http1(get("/%zz")), answer: invalid },
  { title: "a path with a zero byte, encoded", send: http1(get("/healthz%00")), answer: unknown },
  { title: "a path of a file system", send: http1(get("/../../etc/passwd")), answer: unknown },
];

export const paths: Theme = { name: "paths and world names", rows };
