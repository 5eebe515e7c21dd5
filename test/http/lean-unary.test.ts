/** The short way of common calls is one way in two: what comes back is the same to the last header. */
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect } from "vitest";
import { CreateRunnerRequestSchema } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { FaultSchema } from "../../src/gen/runnermock/v1/control_pb.ts";
import { type StartMock, type TestMock, test } from "../support/mock.ts";
import { rpc } from "../support/post.ts";

interface Row {
  readonly title: string;
  readonly path?: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Record<string, string>;
  readonly prepare?: (mock: TestMock) => unknown;
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
    prepare: fault({
      case: "error",
      value: { code: "resource_exhausted", retryDelay: durationFromMs(5), headers: { "retry-after": "7" } },
    }),
    status: 429,
  },
  {
    title: "an ordered redirect",
    prepare: fault({ case: "redirect", value: { location: "https://example.com/" } }),
    status: 308,
  },
  { title: "an ordered empty reply", prepare: fault({ case: "emptyReply", value: {} }), status: 200 },
];

async function answerOf(start: StartMock, lean: "on" | "off", row: Row) {
  const mock = await start({ lean });
  await row.prepare?.(mock);
  const response = await fetch(mock.url + (row.path ?? rpc.createRunner), {
    method: "POST",
    headers: { "content-type": "application/json", ...row.headers },
    body: row.body ?? JSON.stringify(runner),
    redirect: "manual",
  });
  const headers = Object.fromEntries([...response.headers].filter(([name]) => name !== "date"));
  const body = Buffer.from(await response.arrayBuffer()).toString("latin1");
  const calls = mock.calls
    .list()
    .map(({ rpc, error, protocol, request, reply }) => ({ rpc, error, protocol, request, reply }));
  return { status: response.status, headers, body: body.replaceAll(mock.url, ""), calls };
}

describe("both ways answer the same:", () => {
  test.for(rows.map((row) => [row.title, row] as const))("%s", async ([, row], { start }) => {
    const [short, long] = [await answerOf(start, "on", row), await answerOf(start, "off", row)];
    expect(short).toEqual(long);
    expect(short.status).toBe(row.status);
  });
});
