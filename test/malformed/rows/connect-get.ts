/** Connect's GET: its message stands in the query. */
import { gzipSync } from "node:zlib";
import { get, http1 } from "../http1-client.ts";
import type { Row, Theme } from "../row.ts";

const getRunner = "/gitpod.v1.RunnerService/GetRunner";
const listRunners = "/gitpod.v1.RunnerService/ListRunners";

const query = (title: string, search: string, answer: string, says?: RegExp, path = listRunners): Row => ({
  title,
  send: http1(get(`${path}?${search}`)),
  answer,
  ...(says && { says }),
});

const invalid = "400 invalid_argument";
const unsupported = "415 invalid_argument";
const bomb = () => gzipSync(Buffer.alloc(8 * 1024 * 1024, " ")).toString("base64url");

const rows: readonly Row[] = [
  { title: "no query at all", send: http1(get(getRunner)), answer: unsupported },
  query("no encoding", "message=%7B%7D", unsupported),
  query("an empty encoding", "encoding=&message=%7B%7D", unsupported),
  query("an encoding that there is not", "encoding=xml&message=%7B%7D", unsupported),
  query("an encoding in another case", "encoding=JSON&message=%7B%7D", unsupported),
  query("no message", "encoding=json", invalid, /message/),
  query("an empty message, which is no JSON", "encoding=json&message=", invalid, /not JSON/),
  query("a message that breaks off", "encoding=json&message=%7B", invalid, /not JSON/),
  query("a message with an unknown field", "encoding=json&message=%7B%22nope%22%3A1%7D", invalid, /^nope: /),
  query("a message that is not percent-encoded UTF-8", "encoding=json&message=%ff%fe", invalid),
  query("percent signs that encode nothing", "encoding=json&message=%zz%7", invalid),
  query("base64 that is none", "encoding=proto&base64=1&message=%21%21", invalid, /not base64/),
  query("base64 with one character too many", "encoding=proto&base64=1&message=AAAAA", invalid),
  query(
    "good base64 of protobuf that breaks off",
    "encoding=proto&base64=1&message=Cn9B",
    invalid,
    /no gitpod\.v1/,
  ),
  query("good base64 of JSON that breaks off", "encoding=json&base64=1&message=ew", invalid, /not JSON/),
  query("base64 said to be so in a wrong way", "encoding=json&base64=true&message=e30", invalid),
  query("protobuf as it is, that is none", "encoding=proto&message=%0A%7F", invalid),
  query("an unknown compression", "encoding=json&message=%7B%7D&compression=zip", "501 unimplemented", /zip/),
  query("compression of what is not compressed", "encoding=json&message=%7B%7D&compression=gzip", invalid),
  query(
    "gzip that unpacks to 8 MiB",
    `encoding=json&base64=1&compression=gzip&message=${bomb()}`,
    "429 resource_exhausted",
  ),
  query(
    "a version of the protocol that there is not",
    "connect=v2&encoding=json&message=%7B%7D",
    invalid,
    /v2|version/,
  ),
  query("the message twice, of which the first counts", "encoding=json&message=%7B&message=%7B%7D", invalid),
  query(
    "a filter that breaks the schema's rules",
    "encoding=json&message=%7B%22filter%22%3A%7B%22creatorIds%22%3A%5B%22x%22%5D%7D%7D",
    invalid,
    /creator_ids/,
  ),
  query(
    "an RPC with side effects",
    "encoding=json&message=%7B%7D",
    "405 unimplemented",
    undefined,
    "/gitpod.v1.RunnerService/CreateRunner",
  ),
  query(
    "a stream",
    "encoding=json&message=%7B%7D",
    "405 unimplemented",
    undefined,
    "/gitpod.v1.EventService/WatchEvents",
  ),
  {
    title: "gRPC's content type",
    send: http1(get(`${getRunner}?encoding=json&message=%7B%7D`, { "content-type": "application/grpc" })),
    answer: unsupported,
  },
  {
    title: "a body besides",
    send: http1(
      `GET ${listRunners}?encoding=json&message=%7B HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}`,
    ),
    answer: invalid,
  },
  {
    title: "a query of 12,000 characters",
    send: http1(get(`${getRunner}?encoding=json&message=%7B%7D&${"x".repeat(12_000)}`)),
    answer: invalid,
    says: /runner_id/,
  },
];

export const connectGet: Theme = { name: "Connect GET", rows };
