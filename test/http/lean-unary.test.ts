/** The short way of common calls is one way in two: what comes back is the same to the last header. */
import { once } from "node:events";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { buffer } from "node:stream/consumers";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect } from "vitest";
import { CreateRunnerRequestSchema } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { FaultSchema } from "../../src/gen/runnermock/v1/control_pb.ts";
import { envelope } from "../malformed/rows/envelope.ts";
import { type StartMock, type TestMock, test } from "../support/mock.ts";
import { rpc } from "../support/post.ts";

interface Row {
  readonly title: string;
  readonly path?: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Record<string, string>;
  readonly prepare?: (mock: TestMock) => unknown;
  /** Of HTTP, or of gRPC where it is spoken. */
  readonly status: number;
}

const runner = { name: "My Runner", provider: "RUNNER_PROVIDER_AWS_EC2" };
const metrics = { url: `https://metrics.example.com/${"x".repeat(2_000)}` };
const large = JSON.stringify({ ...runner, spec: { configuration: { metrics } } });
const binary = toBinary(
  CreateRunnerRequestSchema,
  create(CreateRunnerRequestSchema, { name: "My Runner", provider: 1 }),
);
const fault =
  (effect: NonNullable<MessageInitShape<typeof FaultSchema>["effect"]>) =>
  ({ faults }: TestMock) =>
    faults.inject({ effect });

const orderedError = fault({
  case: "error",
  value: { code: "resource_exhausted", retryDelay: durationFromMs(5), headers: { "retry-after": "7" } },
});
const orderedRedirect = fault({ case: "redirect", value: { location: "https://example.com/" } });
const orderedEmptyReply = fault({ case: "emptyReply", value: {} });

const rows: readonly Row[] = [
  { title: "a reply in JSON", status: 200 },
  {
    title: "a reply in protobuf",
    headers: { "content-type": "application/proto" },
    body: binary,
    status: 200,
  },
  {
    title: "a large reply to whom takes it packed",
    headers: { "accept-encoding": "gzip, br" },
    body: large,
    status: 200,
  },
  {
    title: "a large reply to whom does not",
    headers: { "accept-encoding": "identity" },
    body: large,
    status: 200,
  },
  { title: "an empty message", path: rpc.listRunners, body: "{}", status: 200 },
  { title: "a reply in a world", path: `/w/elsewhere/api${rpc.createRunner}`, status: 200 },
  { title: "a reply to a page of another origin", headers: { origin: "https://example.com" }, status: 200 },
  { title: "violations", body: '{"name": "x"}', status: 400 },
  {
    title: "violations in protobuf",
    headers: { "content-type": "application/proto" },
    body: new Uint8Array(0),
    status: 400,
  },
  { title: "what is no JSON", body: "{", status: 400 },
  { title: "no body", body: "", status: 400 },
  { title: "an unknown version of the protocol", headers: { "connect-protocol-version": "7" }, status: 400 },
  { title: "a bearer that is none", headers: { authorization: "Bearer rmock_access_x" }, status: 401 },
  { title: "a world that there cannot be", path: `/w/NO${rpc.createRunner}`, status: 400 },
  {
    title: "an ordered error with headers",
    prepare: orderedError,
    status: 429,
  },
  {
    title: "an ordered redirect",
    prepare: orderedRedirect,
    status: 308,
  },
  { title: "an ordered empty reply", prepare: orderedEmptyReply, status: 200 },
];

const grpc = { "content-type": "application/grpc", te: "trailers" };
const largeBinary = toBinary(
  CreateRunnerRequestSchema,
  create(CreateRunnerRequestSchema, { name: "My Runner", provider: 1, spec: { configuration: { metrics } } }),
);

const grpcRows: readonly Row[] = [
  { title: "a reply", status: 0 },
  {
    title: "a reply to a type with its codec",
    headers: { "content-type": "application/grpc+proto" },
    status: 0,
  },
  { title: "a reply that is not worth packing", headers: { "grpc-accept-encoding": "gzip,br" }, status: 0 },
  {
    title: "a large reply to whom takes it packed",
    headers: { "grpc-accept-encoding": "gzip,br" },
    body: envelope(0, largeBinary),
    status: 0,
  },
  { title: "a large reply to whom does not", body: envelope(0, largeBinary), status: 0 },
  { title: "what says that it is not packed", headers: { "grpc-encoding": "identity" }, status: 0 },
  { title: "an empty message", path: rpc.listRunners, body: envelope(0), status: 0 },
  { title: "a reply in a world", path: `/w/elsewhere/api${rpc.createRunner}`, status: 0 },
  { title: "violations", body: envelope(0), status: 3 },
  { title: "what is no protobuf", body: envelope(0, Buffer.of(0xff)), status: 3 },
  { title: "no message", body: "", status: 12 },
  { title: "two messages", body: Buffer.concat([envelope(0, binary), envelope(0, binary)]), status: 12 },
  { title: "a message that breaks off", body: envelope(0, binary).subarray(0, 9), status: 3 },
  { title: "flags that there are none of", body: envelope(0x40, binary), status: 3 },
  { title: "what is packed, and does not say how", body: envelope(1, binary), status: 3 },
  { title: "a message larger than is read", body: envelope(0, Buffer.alloc(60_000)), status: 8 },
  { title: "far more than is read", body: Buffer.alloc(200_000), status: 8 },
  { title: "a bearer that is none", headers: { authorization: "Bearer rmock_access_x" }, status: 16 },
  { title: "a world that there cannot be", path: `/w/NO${rpc.createRunner}`, status: 3 },
  {
    title: "an ordered error with headers",
    prepare: orderedError,
    status: 8,
  },
  {
    title: "an ordered redirect",
    prepare: orderedRedirect,
    status: 308,
  },
  { title: "an ordered empty reply", prepare: orderedEmptyReply, status: 0 },
];

type Send = (url: string, row: Row) => Promise<object & { readonly status: number; readonly body: Buffer }>;

const send: Send = async (url, { headers, body = JSON.stringify(runner) }) => {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
    redirect: "manual",
  });
  return {
    status: response.status,
    headers: Object.fromEntries([...response.headers].filter(([name]) => name !== "date")),
    body: Buffer.from(await response.arrayBuffer()),
  };
};

const sendGrpc: Send = async (url, { headers, body = envelope(0, binary) }) => {
  const { origin, pathname } = new URL(url);
  const session = connect(origin);
  const stream = session.request({ ":method": "POST", ":path": pathname, ...grpc, ...headers });
  let trailers: IncomingHttpHeaders = {};
  stream.on("trailers", (told) => {
    trailers = told;
  });
  stream.end(body);
  const [{ date: _, ...header }] = (await once(stream, "response")) as [IncomingHttpHeaders];
  const content = await buffer(stream);
  session.close();
  return { status: Number(trailers["grpc-status"] ?? header[":status"]), header, trailers, body: content };
};

async function answerOf(start: StartMock, lean: "on" | "off", row: Row, sendRow: Send) {
  const mock = await start({ lean, maxBodyBytes: 50_000 });
  await row.prepare?.(mock);
  const { body, ...answer } = await sendRow(mock.url + (row.path ?? rpc.createRunner), row);
  const calls = mock.calls
    .list()
    .map(({ rpc, error, protocol, request, reply }) => ({ rpc, error, protocol, request, reply }));
  return { ...answer, body: body.toString("latin1").replaceAll(mock.url, ""), calls };
}

describe.each([
  { protocol: "Connect", rows, sendRow: send },
  { protocol: "gRPC", rows: grpcRows, sendRow: sendGrpc },
])("both ways answer $protocol the same:", ({ rows, sendRow }) => {
  test.for(rows.map((row) => [row.title, row] as const))("%s", async ([, row], { start }) => {
    const [short, long] = [
      await answerOf(start, "on", row, sendRow),
      await answerOf(start, "off", row, sendRow),
    ];
    expect(short).toEqual(long);
    expect(short.status).toBe(row.status);
  });
});
