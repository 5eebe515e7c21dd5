/** WatchEvents as application/jsonl, as the generated SDKs ask for it. */
import { once } from "node:events";
import { connect, constants } from "node:http2";
import { gzipSync } from "node:zlib";
import { describe, expect, onTestFinished } from "vitest";
import { RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { test } from "../support/mock.ts";
import { rpc } from "../support/post.ts";
import { register } from "../support/registrations.ts";

const watchEvents = "/gitpod.v1.EventService/WatchEvents";
const jsonl = "application/jsonl";
const json = "application/json";
/** As the Python and Go SDKs ask for it; the TypeScript one says it in both. */
const asPython = { accept: jsonl, "content-type": json };
const asTypeScript = { accept: jsonl, "content-type": jsonl };

const created = (runnerId: string) =>
  `{"operation":"RESOURCE_OPERATION_CREATE","resourceType":"RESOURCE_TYPE_RUNNER","resourceId":"${runnerId}"}`;

type Headers = Readonly<Record<string, string>>;

interface Response {
  readonly status: number;
  readonly contentType: string | null;
  /** What has come of the body, as it comes; throws if it is broken off. */
  readonly chunks: AsyncIterator<string>;
  leave(): void;
}

/** Resolves once the headers of the response are there. */
type Request = (url: string, headers: Headers, body?: string | Uint8Array) => Promise<Response>;

const overHttp1: Request = async (url, headers, body = "{}") => {
  const controller = new AbortController();
  onTestFinished(() => controller.abort());
  const { signal } = controller;
  const response = await fetch(url, { method: "POST", headers, body, signal });
  const chunks = response.body?.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  if (chunks === undefined) throw new Error("a response without a body");
  return {
    status: response.status,
    contentType: response.headers.get("content-type"),
    chunks,
    leave: () => controller.abort(),
  };
};

const overHttp2: Request = async (url, headers, body = "{}") => {
  const { origin, pathname } = new URL(url);
  const session = connect(origin);
  onTestFinished(() => session.destroy());
  const stream = session.request({ ":method": "POST", ":path": pathname, ...headers });
  stream.end(body);
  const [answer] = await once(stream, "response");
  stream.setEncoding("utf8");
  const chunks = stream[Symbol.asyncIterator]();
  return {
    status: answer[":status"],
    contentType: answer["content-type"],
    chunks,
    leave: () => stream.close(constants.NGHTTP2_CANCEL),
  };
};

/** The next lines of a response. */
async function lines({ chunks }: Response, count: number): Promise<string[]> {
  let read = "";
  while (read.split("\n").length <= count) {
    const { done, value } = await chunks.next();
    if (done) throw new Error(`it ended after ${read}`);
    read += value;
  }
  return read.split("\n").filter(Boolean);
}

/** A response that ends by itself, with its body in JSON. */
async function answerTo(url: string, headers: Headers, body?: string | Uint8Array) {
  const { status, contentType, chunks } = await overHttp1(url, headers, body);
  let read = "";
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) read += next.value;
  return { status, contentType, body: JSON.parse(read) };
}

describe.for<[string, Request]>([
  ["HTTP/1.1", overHttp1],
  ["HTTP/2", overHttp2],
])("over %s", ([, request]) => {
  test.for<[string, Headers]>([
    ["Accept alone", asPython],
    ["Accept and Content-Type", asTypeScript],
    ["Content-Type alone", { "content-type": jsonl }],
    [
      "Accept with others",
      { accept: `text/plain, ${jsonl};q=0.9`, "content-type": `${json}; charset=utf-8` },
    ],
    ["capitals", { accept: "Application/JSONL", "content-type": "Application/JSON" }],
  ])(
    "a watch by %s has its headers before any event, then a bare message a line",
    async ([, headers], { mock }) => {
      const response = await request(mock.url + watchEvents, headers);
      expect([response.status, response.contentType]).toEqual([200, jsonl]);
      const runners = [await register(mock), await register(mock)];
      expect(await lines(response, 2)).toEqual(runners.map(({ runnerId }) => created(runnerId)));
    },
  );

  test("a client that leaves is let go", async ({ mock }) => {
    const response = await request(mock.url + watchEvents, asTypeScript);
    await register(mock);
    await lines(response, 1);
    response.leave();
    const left = () => mock.log.map((line) => JSON.parse(line)).filter(({ code }) => code === "canceled");
    await expect.poll(left).toMatchObject([{ rpc: "gitpod.v1.EventService/WatchEvents" }]);
  });

  test.for(["/api", "/w/other", "/w/other/api"])("it is there below %s, too", async (path, { mock }) => {
    const response = await request(`${mock.url}${path}${watchEvents}`, asPython);
    const { runnerId } = await register({ runner: mock.client(RunnerService, { path }) });
    expect(await lines(response, 1)).toEqual([created(runnerId)]);
  });
});

describe.for<[string, Request]>([
  ["HTTP/1.1", overHttp1],
  ["HTTP/2", overHttp2],
])("after the first message, over %s,", ([, request]) => {
  test("the response is broken off when the server stops, not ended", async ({ mock }) => {
    const response = await request(mock.url + watchEvents, asTypeScript);
    await register(mock);
    await lines(response, 1);
    const end = response.chunks.next().then(
      ({ done }) => (done ? "ended" : "went on"),
      () => "broken off",
    );
    await mock.close();
    expect(await end).toBe("broken off");
  });

  test("the response is broken off when its time is up", async ({ mock }) => {
    const response = await request(mock.url + watchEvents, { ...asPython, "connect-timeout-ms": "20" });
    expect(response.status).toBe(200);
    await expect(response.chunks.next()).rejects.toThrow();
  });
});

test("an empty body asks for everything", async ({ mock }) => {
  const response = await overHttp1(mock.url + watchEvents, asTypeScript, "");
  const { runnerId } = await register(mock);
  expect(await lines(response, 1)).toEqual([created(runnerId)]);
});

test("the request is heeded, also compressed", async ({ mock }) => {
  const { runnerId } = await register(mock);
  const body = JSON.stringify({
    resourceTypeFilters: [{ resourceType: "RESOURCE_TYPE_RUNNER", resourceIds: [runnerId] }],
  });
  const plain = await overHttp1(mock.url + watchEvents, asPython, body);
  const gzip = { ...asPython, "content-encoding": "gzip" };
  const compressed = await overHttp1(mock.url + watchEvents, gzip, gzipSync(body));
  await register(mock);
  await mock.runner.deleteRunner({ runnerId });
  const deleted = created(runnerId).replace("CREATE", "DELETE");
  expect([await lines(plain, 1), await lines(compressed, 1)]).toEqual([[deleted], [deleted]]);
});

describe("before the first message, an error is that of a unary call:", () => {
  const environment = "d2c94c27-3b76-4a42-b88c-95a85e392c68";
  const filtered = { environmentId: environment, resourceTypeFilters: [{ resourceType: 2 }] };

  test.for<[string, string, number, string, RegExp]>([
    [
      "a violated rule",
      JSON.stringify(filtered),
      400,
      "invalid_argument",
      /events\.filters_with_environment/,
    ],
    ["malformed JSON", "{", 400, "invalid_argument", /JSON/],
    ["an unknown field", '{"nope": 1}', 400, "invalid_argument", /nope/],
    [
      "an unknown name of an enum",
      '{"resourceTypeFilters": [{"resourceType": "NOPE"}]}',
      400,
      "invalid_argument",
      /NOPE/,
    ],
    ["a body of more than 4 MiB", " ".repeat(4 * 1024 * 1024 + 1), 429, "resource_exhausted", /4194304/],
    ["a body of far more", " ".repeat(9 * 1024 * 1024), 429, "resource_exhausted", /4194304/],
  ])("%s", async ([, body, status, code, message], { mock }) => {
    for (const headers of [asPython, asTypeScript]) {
      const answer = await answerTo(mock.url + watchEvents, headers, body);
      expect(answer).toMatchObject({ status, contentType: json, body: { code } });
      expect(answer.body.message).toMatch(message);
    }
  });

  test("a missing bearer, and a wrong one", async ({ start }) => {
    const mock = await start({ auth: "required" });
    for (const headers of [asPython, { ...asTypeScript, authorization: "Bearer wrong" }]) {
      expect(await answerTo(mock.url + watchEvents, headers)).toMatchObject({
        status: 401,
        contentType: json,
        body: { code: "unauthenticated" },
      });
    }
  });

  test("it has the details that others have", async ({ mock }) => {
    const { body } = await answerTo(mock.url + watchEvents, asPython, JSON.stringify(filtered));
    const types = body.details.map(({ type }: { type: string }) => type);
    expect(types).toEqual(["buf.validate.Violations", "runnermock.v1.Explanation"]);
  });
});

describe("not served as lines:", () => {
  test.for<[string, string, Headers]>([
    ["JSON without the header Accept", watchEvents, { "content-type": json }],
    ["another content type", watchEvents, { "content-type": "text/plain", accept: jsonl }],
    ["a unary RPC by Content-Type", rpc.listRunners, asTypeScript],
  ])("%s is refused with 415", async ([, path, headers], { mock }) => {
    expect(await answerTo(mock.url + path, headers)).toMatchObject({ status: 415, contentType: json });
  });

  test("a unary RPC by Accept answers in plain JSON", async ({ mock }) => {
    expect(await answerTo(mock.url + rpc.listRunners, asPython)).toEqual({
      status: 200,
      contentType: json,
      body: { pagination: {} },
    });
  });
});
