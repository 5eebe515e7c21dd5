/** How the command line ends when it is told to. */
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:http2";
import { json } from "node:stream/consumers";
import type { TestContext } from "vitest";
import { type Running, test } from "../support/command-line.ts";
import { rpc } from "../support/post.ts";

/** Longer than a test may take: what waits for it fails its test. */
const patient = ["--stop-grace", "60s"];
/** Shorter than any time limit that the mock has for connections. */
const promptlyMs = 4_000;

const runner = { name: "My Runner", provider: "RUNNER_PROVIDER_AWS_EC2" };
const body = JSON.stringify(runner);
const half = body.length / 2;

/** A CreateRunner over HTTP/1.1 that has reached the mock with half of its body. */
async function callUnderWay({ url }: Running) {
  const headers = {
    "content-type": "application/json",
    "content-length": body.length,
    // Answered when the headers have been read and the request is handed on.
    expect: "100-continue",
  };
  const call = request(url + rpc.createRunner, { method: "POST", headers, agent: false });
  const response = once(call, "response");
  response.catch(() => {});
  call.flushHeaders();
  await once(call, "continue");
  call.write(body.slice(0, half));
  return {
    response,
    async finish() {
      call.end(body.slice(half));
      const [answer] = await response;
      return { status: answer.statusCode, body: await json(answer) };
    },
  };
}

/** The same over HTTP/2. */
async function callUnderWayOnHttp2({ url }: Running, onTestFinished: TestContext["onTestFinished"]) {
  const session = connect(url);
  onTestFinished(() => session.destroy());
  const call = session.request({
    ":method": "POST",
    ":path": rpc.createRunner,
    "content-type": "application/json",
  });
  const response = once(call, "response");
  response.catch(() => {});
  call.write(body.slice(0, half));
  await once(session, "connect");
  // What comes back has passed everything that was sent before it.
  await new Promise<void>((resolve, reject) => session.ping((error) => (error ? reject(error) : resolve())));
  return {
    response,
    async finish() {
      call.end(body.slice(half));
      const [headers] = await response;
      return { status: headers[":status"], body: await json(call) };
    },
  };
}

async function untilNobodyIsLetIn({ url }: Running): Promise<void> {
  const isLetIn = () =>
    new Promise<boolean>((resolve) => {
      request(`${url}/healthz`, { agent: false }, (response) => {
        response.resume().once("close", () => resolve(true));
      })
        .once("error", () => resolve(false))
        .end();
    });
  while (await isLetIn());
}

/** One connection of each protocol that has had its answer and stays open. */
async function openIdleConnections({ url }: Running, onTestFinished: TestContext["onTestFinished"]) {
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  const call = request(`${url}/healthz`, { agent }).end();
  const [response] = await once(call, "response");
  response.resume();
  await once(response, "close");
  const socket = Object.values(agent.freeSockets).flat()[0];
  if (socket === undefined) throw new Error("the connection was not kept");

  const session = connect(url);
  onTestFinished(() => session.destroy());
  const stream = session.request({ ":path": "/healthz" });
  stream.resume();
  await once(stream, "close");
  if (socket.destroyed || session.destroyed) throw new Error("a connection was not kept");
  return { closed: Promise.all([once(socket, "close"), once(session, "close")]) };
}

test.concurrent.for(["SIGTERM", "SIGINT"] as const)(
  "%s ends an idle mock promptly with exit code 0, whoever is still connected",
  async (signal, { commandLine, expect, onTestFinished }) => {
    const mock = await commandLine.serve(patient);
    const { closed } = await openIdleConnections(mock, onTestFinished);
    const toldAtMs = performance.now();
    mock.signal(signal);
    expect(await mock.ended).toMatchObject({ code: 0 });
    expect(performance.now() - toldAtMs).toBeLessThan(promptlyMs);
    await closed;
  },
);

test.concurrent.for([
  ["SIGTERM", "HTTP/1.1", callUnderWay],
  ["SIGINT", "HTTP/2", callUnderWayOnHttp2],
] as const)(
  "%s lets a call under way over %s finish, and nobody else in",
  async ([signal, , open], { commandLine, expect, onTestFinished }) => {
    const mock = await commandLine.serve(patient);
    const call = await open(mock, onTestFinished);
    mock.signal(signal);
    await mock.logged('"stopping"');
    await untilNobodyIsLetIn(mock);
    const finishedAtMs = performance.now();
    expect(await call.finish()).toMatchObject({ status: 200, body: { runner } });
    expect(await mock.ended).toMatchObject({ code: 0 });
    expect(performance.now() - finishedAtMs).toBeLessThan(promptlyMs);
  },
);

test.concurrent("a call that does not finish is cut off when the grace is over", async ({
  commandLine,
  expect,
}) => {
  const mock = await commandLine.serve(["--stop-grace", "50ms"]);
  const call = await callUnderWay(mock);
  mock.signal("SIGTERM");
  expect(await mock.ended).toMatchObject({ code: 0 });
  await expect(call.response).rejects.toThrow("socket hang up");
});
