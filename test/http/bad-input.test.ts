/**
 * Requests that no well-meaning client sends: each gets the error that fits, and nothing else is disturbed. What is
 * malformed as such stands in test/malformed.
 */
import { request as httpRequest } from "node:http";
import { connect as http2Connect } from "node:http2";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { toBinary } from "@bufbuild/protobuf";
import { ViolationsSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { afterEach, describe, expect } from "vitest";
import { CreateRunnerRequestSchema, RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { failureOf, type TestMock, test } from "../support/mock.ts";

const createRunner = "/gitpod.v1.RunnerService/CreateRunner";
const listRunners = "/gitpod.v1.RunnerService/ListRunners";
const json = { "content-type": "application/json" };
const proto = { "content-type": "application/proto" };
const goodRequest = '{"name": "My Runner", "provider": "RUNNER_PROVIDER_GCP"}';
const mebibyte = 1024 * 1024;

interface Bad {
  path: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer>;
  status: number;
  code: string | undefined;
  text?: string | RegExp;
}

const bytes = (...values: number[]) => new Uint8Array(values);
const gzip = (text: string) => new Uint8Array(gzipSync(text));
const post = (path: string, headers: Record<string, string>, body: Bad["body"]) => ({
  path,
  headers,
  ...(body === undefined ? {} : { body }),
});
const invalid = { status: 400, code: "invalid_argument" };

const table: Record<string, Bad> = {
  "a JSON number that no int32 holds": {
    ...post(listRunners, json, '{"pagination": {"pageSize": 1e10}}'),
    ...invalid,
  },
  "unknown fields and enum names further in": {
    ...post(
      createRunner,
      json,
      '{"spec": {"desiredPhase": "AWAKE", "configuration": {"metrics": {"urls": []}}}}',
    ),
    ...invalid,
    text: 'spec.desiredPhase: gitpod.v1.RunnerPhase has no value "AWAKE"; spec.configuration.metrics.urls: gitpod.v1.MetricsConfiguration has no such field',
  },
  "an unknown enum name in a list": {
    ...post(listRunners, json, '{"filter": {"kinds": ["RUNNER_KIND_LOCAL", "NOPE"]}}'),
    ...invalid,
    text: 'filter.kinds[1]: gitpod.v1.RunnerKind has no value "NOPE"',
  },
  "an unknown field in compressed JSON": {
    ...post(createRunner, { ...json, "content-encoding": "gzip" }, gzip('{"nome": 1}')),
    ...invalid,
    text: "nome: gitpod.v1.CreateRunnerRequest has no such field",
  },
  "a body without a content type": {
    ...post(createRunner, {}, bytes(0x7b, 0x7d)),
    status: 415,
    code: "invalid_argument",
  },
  "an unknown RPC": {
    ...post("/gitpod.v1.RunnerService/Nope", json, "{}"),
    status: 404,
    code: "unimplemented",
    text: "there is no RPC at /gitpod.v1.RunnerService/Nope",
  },
  "an unknown RPC with malformed JSON": {
    ...post("/gitpod.v1.RunnerService/Nope", json, "{"),
    status: 404,
    code: "unimplemented",
  },
  "an unknown service": {
    ...post("/api/gitpod.v1.Nope/Nope", json, "{}"),
    status: 404,
    code: "unimplemented",
  },
  "the root": { path: "/", method: "GET", status: 404, code: "unimplemented" },
  "a list without bounds": {
    ...post(listRunners, json, `{"filter": {"creatorIds": [${'"",'.repeat(100_000)}""]}}`),
    ...invalid,
    text: /creator_ids/,
  },
  "a page token without bounds": {
    ...post(listRunners, json, `{"pagination": {"token": "${"x".repeat(1_000_000)}"}}`),
    ...invalid,
    text: /^invalid pagination token "x{200}…"$/,
  },
  "unknown fields without bounds": {
    ...post(createRunner, json, `{${Array.from({ length: 10_000 }, (_, i) => `"unknown${i}": 1`)}}`),
    ...invalid,
    text: /^unknown0: /,
  },
  "a JSON body beyond 4 MiB": {
    ...post(createRunner, json, `{"name": "${"x".repeat(4 * mebibyte)}"}`),
    status: 429,
    code: "resource_exhausted",
  },
  "a binary body beyond 4 MiB": {
    ...post(createRunner, proto, new Uint8Array(4 * mebibyte + 1)),
    status: 429,
    code: "resource_exhausted",
  },
  "a bad page token": {
    ...post(listRunners, json, '{"pagination": {"token": "x"}}'),
    ...invalid,
    text: 'invalid pagination token "x"',
  },
  "a bad page token in the query": {
    ...post(`${listRunners}?token=x`, json, "{}"),
    ...invalid,
    text: 'invalid pagination token "x"',
  },
  "a page size in the query that is no number": {
    ...post(`${listRunners}?pageSize=ten`, json, "{}"),
    ...invalid,
    text: /^invalid page size "ten"/,
  },
  "a page size in the query that is negative": {
    ...post(`${listRunners}?pageSize=-1`, json, "{}"),
    ...invalid,
  },
  "a page size in the query beyond 100": {
    ...post(`${listRunners}?pageSize=101`, json, "{}"),
    ...invalid,
    text: /page_size/,
  },
  "a page size in the query beyond all bounds": {
    ...post(`${listRunners}?pageSize=${"9".repeat(400)}`, json, "{}"),
    ...invalid,
  },
};

const send = (mock: TestMock, { path, method = "POST", headers, body }: Bad) =>
  fetch(mock.url + path, { method, ...(headers && { headers }), ...(body !== undefined && { body }) });

async function stillAnswers(mock: TestMock) {
  const response = await send(mock, {
    ...post(createRunner, json, goodRequest),
    status: 200,
    code: undefined,
  });
  expect(response.status).toBe(200);
  const { runners } = await mock.runner.listRunners({});
  expect(runners.map(({ name }) => name)).toEqual(["My Runner"]);
}

describe("a request with", () => {
  test.for(Object.entries(table))("%s", async ([, bad], { mock }) => {
    const response = await send(mock, bad);
    const answer = await response.text();
    expect(response.status, answer).toBe(bad.status);
    if (bad.code !== undefined) {
      const { code, message } = JSON.parse(answer);
      expect(code).toBe(bad.code);
      expect(message).toMatch(bad.text ?? /./);
      if (typeof bad.text === "string") expect(message).toBe(bad.text);
    }
    await stillAnswers(mock);
  });
});

test("many violations are told in an answer of bounded size, over gRPC too", async ({ mock }) => {
  const grpc = (baseUrl: string) => createGrpcTransport({ baseUrl });
  const users = mock.client(RunnerService, { transport: grpc });
  const creatorIds = Array.from({ length: 900 }, (_, index) => `bad id ${index}`);
  const error = await users.listRunners({ filter: { creatorIds } }).catch((cause) => cause);
  expect(error.rawMessage).toMatch(/creator_ids/);
  expect(error.findDetails(ViolationsSchema)[0]?.violations).toHaveLength(100);
  expect(await failureOf(users.listRunners({ pagination: { token: "x".repeat(1_000_000) } }))).toMatch(
    /^invalid_argument: invalid pagination token /,
  );
});

describe("a call whose body does not come in time", () => {
  test.for(["connect-timeout-ms", "grpc-timeout"])("ends at its deadline: %s", async (header, { mock }) => {
    const grpc = header === "grpc-timeout";
    const session = http2Connect(mock.url);
    const stream = session.request({
      ":method": "POST",
      ":path": listRunners,
      "content-type": grpc ? "application/grpc" : "application/json",
      [header]: grpc ? "100m" : "100",
    });
    stream.write("{");
    stream.resume();
    const answer = await new Promise<Record<string, unknown>>((resolve) =>
      stream.once(grpc ? "trailers" : "response", resolve),
    );
    session.destroy();
    expect(grpc ? answer["grpc-status"] : answer[":status"]).toEqual(grpc ? "4" : 504);
    await stillAnswers(mock);
  });
});

test("over HTTP/2 a call that its headers refuse is answered once it has arrived", async ({ mock }) => {
  const session = http2Connect(mock.url);
  const stream = session.request({
    ":method": "POST",
    ":path": listRunners,
    "content-type": "application/json",
    authorization: "Bearer rmock_access_x",
  });
  let answered = false;
  stream.once("response", () => {
    answered = true;
  });
  stream.resume().write("{");
  await mock.calls.waitFor({ code: "unauthenticated" });
  // Whatever was on its way would be here before this.
  await new Promise((resolve) => session.ping(resolve));
  expect(answered).toBe(false);
  const response = new Promise<Record<string, unknown>>((resolve) => stream.once("response", resolve));
  stream.end("}");
  expect((await response)[":status"]).toBe(401);
  await new Promise((resolve) => session.close(() => resolve(undefined)));
});

describe("what was sent is not told again", () => {
  test.for([
    ["a token in JSON that is none", '{"exchangeToken": rmock_exchange_secret}'],
    ["a token in a wrong place", '"rmock_exchange_secret"'],
    ["a token in a list", '{"exchangeToken": ["rmock_exchange_secret"]}'],
  ])("of %s", async ([, body], { mock }) => {
    const path = "/gitpod.v1.IdentityService/ExchangeToken";
    const response = await send(mock, { ...post(path, json, body), ...invalid });
    expect(response.status).toBe(400);
    expect(await response.text()).not.toMatch(/rmock_|secret/);
    expect(mock.log.join("\n")).not.toMatch(/rmock_|secret/);
  });
});

test("a body of exactly 4 MiB is read", async ({ mock }) => {
  const start = '{"name": "abc", "provider": "RUNNER_PROVIDER_GCP"';
  const body = `${start}${" ".repeat(4 * mebibyte - start.length - 1)}}`;
  const response = await send(mock, { ...post(createRunner, json, body), status: 200, code: undefined });
  expect(response.status).toBe(200);
});

describe.for([
  ["gRPC", (baseUrl: string) => createGrpcTransport({ baseUrl })],
  ["gRPC-Web", (baseUrl: string) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" })],
] as const)("%s", ([, transport]) => {
  test("hears of an unknown RPC as status 12", async ({ mock }) => {
    const lost = mock.client(RunnerService, { transport: (url) => transport(`${url}/nowhere`) });
    expect(await failureOf(lost.listRunners({}))).toBe(
      "unimplemented: there is no RPC at /nowhere/gitpod.v1.RunnerService/ListRunners",
    );
  });

  test("hears of a message beyond 4 MiB as resource_exhausted", async ({ mock }) => {
    const users = mock.client(RunnerService, { transport });
    expect(await failureOf(users.createRunner({ name: "x".repeat(4 * mebibyte + 1) }))).toMatch(
      /^resource_exhausted: /,
    );
    await stillAnswers(mock);
  });

  test("hears of a bad world as invalid_argument", async ({ mock }) => {
    const users = mock.client(RunnerService, { transport });
    const headers = { "runner-mock-world": "Bad World" };
    expect(await failureOf(users.listRunners({}, { headers }))).toMatch(
      /^invalid_argument: invalid world name "Bad World"/,
    );
  });
});

test("a gRPC call of an unknown RPC is answered with status 12 in the headers alone", async ({ mock }) => {
  const session = http2Connect(mock.url);
  const stream = session.request({
    ":method": "POST",
    ":path": "/gitpod.v1.RunnerService/Nope",
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.end();
  const headers = await new Promise<Record<string, unknown>>((resolve) => stream.on("response", resolve));
  expect(headers).toMatchObject({ ":status": 200, "grpc-status": "12", "content-type": "application/grpc" });
  stream.resume();
  await new Promise((resolve) => session.close(() => resolve(undefined)));
});

describe("a Host header", () => {
  const withHost = (mock: TestMock, host: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const request = httpRequest(
        mock.url + listRunners,
        { method: "POST", headers: { ...json, host } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      request.on("error", reject).end("{}");
    });

  test("that is none is refused", async ({ mock }) => {
    expect(await withHost(mock, "a b:c")).toBe(400);
    expect(await withHost(mock, "[")).toBe(400);
    await stillAnswers(mock);
  });

  test("may be missing in HTTP/1.0 where a probe asks for health", async ({ mock }) => {
    const socket = connect(Number(new URL(mock.url).port), "127.0.0.1");
    socket.end("GET /healthz HTTP/1.0\r\n\r\n");
    let answer = "";
    for await (const chunk of socket) answer += chunk;
    expect(answer).toMatch(/^HTTP\/1\.[01] 200 /);
  });

  test("may be missing in HTTP/1.0, which is then refused", async ({ mock }) => {
    const socket = connect(Number(new URL(mock.url).port), "127.0.0.1");
    socket.end(
      `POST ${listRunners} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`,
    );
    let answer = "";
    for await (const chunk of socket) answer += chunk;
    expect(answer).toMatch(/^HTTP\/1\.[01] 400 /);
    await stillAnswers(mock);
  });
});

describe("a runner's bearer", () => {
  const bearing = (mock: TestMock, bearer: string) =>
    failureOf(mock.client(RunnerService, { bearer }).listRunners({}));

  test("that has expired is unauthenticated", async ({ start }) => {
    const mock = await start({ accessTokenTtl: "10s" });
    const { exchangeToken } = await mock.runner.createRunner(JSON.parse('{"name": "abc", "provider": 1}'));
    const { accessToken } = await mock.identity.exchangeToken({ exchangeToken });
    await mock.clock.advance("9.999s");
    expect(await bearing(mock, accessToken)).toBe("ok");
    await mock.clock.advance("1ms");
    expect(await bearing(mock, accessToken)).toMatch(/^unauthenticated: /);
  });

  test("that was revoked by DeleteRunner is unauthenticated", async ({ mock }) => {
    const { runner, accessToken } = await mock.runner.createRunner(
      JSON.parse('{"name": "abc", "provider": 1}'),
    );
    await mock.runner.deleteRunner({ runnerId: runner?.runnerId ?? "" });
    expect(await bearing(mock, accessToken)).toMatch(/^unauthenticated: /);
  });

  test("is never in the log, nor is any other secret", async ({ mock }) => {
    const { exchangeToken, accessToken } = await mock.runner.createRunner(
      JSON.parse('{"name": "abc", "provider": 1}'),
    );
    await bearing(mock, accessToken);
    await bearing(mock, "rmock_access_of-somebody-else");
    await mock.identity.exchangeToken({ exchangeToken });
    await failureOf(mock.identity.exchangeToken({ exchangeToken }));
    expect(mock.log.length).toBeGreaterThan(4);
    expect(mock.log.join("\n")).not.toMatch(/rmock_/);
  });
});

test("a client that breaks off in the middle of a body disturbs nobody", async ({ mock }) => {
  const socket = connect(Number(new URL(mock.url).port), "127.0.0.1");
  const head = `POST ${createRunner} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`;
  await new Promise((resolve) => socket.write(head, resolve));
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.resetAndDestroy();
  await closed;
  await stillAnswers(mock);
});

test("unknown fields in protobuf are let through, as everywhere", async ({ mock }) => {
  const body = new Uint8Array([
    ...toBinary(CreateRunnerRequestSchema, { ...emptyRequest, name: "abc", provider: 1 }),
    0xf8,
    0x7f,
    0x01,
  ]);
  const response = await send(mock, { ...post(createRunner, proto, body), status: 200, code: undefined });
  expect(response.status).toBe(200);
});

const emptyRequest = { $typeName: "gitpod.v1.CreateRunnerRequest", kind: 0, runnerManagerId: "" } as const;

afterEach<{ mock: TestMock }>(({ mock }) => {
  expect(mock.log.filter((line) => line.includes('"internal"'))).toEqual([]);
});

test("of a request without fields, other fields than the SDKs' own are refused", async ({ mock }) => {
  const identity = "/gitpod.v1.IdentityService/GetAuthenticatedIdentity";
  const response = await send(mock, { ...post(identity, json, '{"full": true}'), ...invalid });
  expect(response.status).toBe(400);
});

test("the field that the generated SDKs have for requests without fields is ignored", async ({ mock }) => {
  const identity = "/gitpod.v1.IdentityService/GetAuthenticatedIdentity";
  const response = await send(mock, {
    ...post(identity, json, '{"empty": true}'),
    status: 200,
    code: undefined,
  });
  expect(response.status).toBe(200);
});

test("a message that is flagged as compressed needs to say how", async ({ mock }) => {
  const session = http2Connect(mock.url);
  const stream = session.request({
    ":method": "POST",
    ":path": listRunners,
    "content-type": "application/grpc",
  });
  stream.end(bytes(1, 0, 0, 0, 0));
  stream.resume();
  const trailers = await new Promise<Record<string, unknown>>((resolve) => stream.once("trailers", resolve));
  session.destroy();
  expect(trailers).toMatchObject({ "grpc-status": "3", "grpc-message": expect.stringMatching(/compressed/) });
});
