import { once } from "node:events";
import { Agent, createServer, type IncomingHttpHeaders, request } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { type AddressInfo, connect, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { createClient, type Transport } from "@connectrpc/connect";
import { fastifyConnectPlugin } from "@connectrpc/connect-fastify";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import Fastify from "fastify";
import { describe, expect, onTestFinished, test } from "vitest";
import { IdentityService } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { createOnePortServer, type OnePortOptions } from "../../src/http/one-port.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const EMPTY_SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);
const LARGE_BYTES = 32 * 1024 * 1024;

/** Longer than a test may take: what depends on one of these limits fails its test. */
const PATIENT: OnePortOptions = { sniffTimeoutMs: 60_000, keepAliveTimeoutMs: 60_000, closeGraceMs: 60_000 };

/** A Fastify app on the server under test; at the end of the test it closes and nothing may be left open. */
async function start(options: OnePortOptions = PATIENT) {
  const app = Fastify({ serverFactory: (handler) => createOnePortServer(handler, options) });
  const sockets: Socket[] = [];
  app.server.on("connection", (socket) => sockets.push(socket));

  const gated: { version: string; release: () => void }[] = [];
  const gate = (version: string) => new Promise<void>((release) => gated.push({ version, release }));
  const openGate = () => {
    for (const { release } of gated) release();
  };
  app.addHttpMethod("PROPFIND", { hasBody: true });
  app.all("/echo", async ({ method, body, raw }) => `${method} ${raw.httpVersion} ${body ?? ""}`.trim());
  app.get("/gated", async ({ raw }) => {
    await gate(raw.httpVersion);
    return "let through";
  });
  app.get("/stream", ({ raw }) => {
    const body = new PassThrough();
    body.write("begun, ");
    gate(raw.httpVersion).then(() => body.end("ended"));
    return body;
  });
  app.get("/large", () => Buffer.alloc(LARGE_BYTES));
  app.register(fastifyConnectPlugin, {
    routes: (router) =>
      router.service(IdentityService, {
        exchangeToken: ({ exchangeToken }) => ({ accessToken: `for ${exchangeToken}` }),
      }),
  });
  await app.listen({ host: "127.0.0.1", port: 0 });

  const { port } = app.server.address() as AddressInfo;
  onTestFinished(async () => {
    openGate();
    await app.close();
    expect(sockets.filter((socket) => !socket.destroyed)).toEqual([]);
    expect(await new Promise((resolve) => app.server.getConnections((_, count) => resolve(count)))).toBe(0);
  });
  return { app, port, url: `http://127.0.0.1:${port}`, sockets, gated, openGate };
}

type Started = Awaited<ReturnType<typeof start>>;

interface Answer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: string;
}

async function get1(port: number, path: string, agent?: Agent): Promise<Answer> {
  const call = request({ host: "127.0.0.1", port, path, agent: agent ?? false }).end();
  const [response] = await once(call, "response");
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

async function get2(session: ClientHttp2Session, path: string): Promise<Answer> {
  const stream = session.request({ ":path": path });
  const unanswered = once(stream, "close").then(() => Promise.reject(new Error("closed before an answer")));
  const [headers] = await Promise.race([once(stream, "response"), unanswered]);
  return { status: headers[":status"], headers, body: await text(stream) };
}

/** A bare TCP client; `received` is all that it gets until the connection ends. */
async function dial({ port, sockets }: Started, options: { allowHalfOpen?: boolean } = {}) {
  const before = sockets.length;
  const client = connect({ host: "127.0.0.1", port, noDelay: true, ...options });
  client.on("error", () => {});
  await expect.poll(() => sockets.length, { interval: 1 }).toBe(before + 1);
  const serverSide = sockets[before] as Socket;
  return {
    client,
    serverSide,
    received: () => text(client),
    arrived: (bytes: number) => expect.poll(() => serverSide.bytesRead, { interval: 1 }).toBe(bytes),
  };
}

/** Unlike once(), listens to no error, which would hide one that nobody handles. */
function closed(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once("close", resolve));
}

/** As a machine does that has other things to do: meanwhile nothing is read, and timers run out. */
function holdUpTheLoop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

async function dripFeed(connection: Awaited<ReturnType<typeof dial>>, bytes: string): Promise<void> {
  for (let i = 0; i < bytes.length; i++) {
    connection.client.write(bytes.charAt(i));
    await connection.arrived(i + 1);
  }
}

async function openHttp2(url: string): Promise<ClientHttp2Session> {
  const session = connectHttp2(url);
  await once(session, "remoteSettings");
  return session;
}

describe("telling the protocols apart", () => {
  test("an HTTP/1.1 request is answered", async () => {
    const { port } = await start();
    expect(await get1(port, "/echo")).toMatchObject({ status: 200, body: "GET 1.1" });
  });

  test("an HTTP/2 request with prior knowledge is answered", async () => {
    const { url } = await start();
    expect(await get2(await openHttp2(url), "/echo")).toMatchObject({ status: 200, body: "GET 2.0" });
  });

  test("both protocols are served at the same time on one port", async () => {
    const { port, url, gated, openGate } = await start();
    const session = await openHttp2(url);
    const answers = Promise.all([get1(port, "/gated"), get2(session, "/gated")]);
    await expect.poll(() => gated.map(({ version }) => version).toSorted()).toEqual(["1.1", "2.0"]);
    openGate();
    expect((await answers).map(({ body }) => body)).toEqual(["let through", "let through"]);
  });

  test.each<[string, (baseUrl: string) => Transport]>([
    ["Connect over HTTP/1.1", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" })],
    ["Connect over HTTP/2", (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2" })],
    ["gRPC over HTTP/2", (baseUrl) => createGrpcTransport({ baseUrl })],
  ])("%s reaches a Connect router", async (_, createTransport) => {
    const { url } = await start();
    const identity = createClient(IdentityService, createTransport(url));
    const { accessToken } = await identity.exchangeToken({ exchangeToken: "one" });
    expect(accessToken).toBe("for one");
  });

  test("a preface that comes byte by byte begins HTTP/2", async () => {
    const connection = await dial(await start());
    await dripFeed(connection, PREFACE);
    connection.client.write(EMPTY_SETTINGS);
    const [frame] = await once(connection.client, "data");
    expect(frame[3]).toBe(4); // SETTINGS
    connection.client.end();
  });

  test.each(["POST", "PUT", "PATCH", "PROPFIND"])(
    "a %s that comes byte by byte is HTTP/1.1",
    async (method) => {
      const connection = await dial(await start());
      const headers = "host: a\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: 2";
      await dripFeed(connection, `${method} /echo HTTP/1.1\r\n${headers}\r\n\r\nhi`);
      expect(await connection.received()).toContain(`${method} 1.1 hi`);
    },
  );

  test("half a preface and then garbage is a malformed HTTP/1.1 request", async () => {
    const connection = await dial(await start());
    connection.client.write(PREFACE.slice(0, 12));
    await connection.arrived(12);
    connection.client.write("garbage\r\n\r\n");
    expect(await connection.received()).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  });

  test("no listener of the first look stays on the socket", async () => {
    const { port, url, sockets } = await start();
    const agent = new Agent({ keepAlive: true });
    await get1(port, "/echo", agent);
    await openHttp2(url);

    const plain = createServer((_, response) => response.end()).listen(0, "127.0.0.1");
    const plainSocket = once(plain, "connection");
    await once(plain, "listening");
    await get1((plain.address() as AddressInfo).port, "/", agent);
    const [expected] = await plainSocket;
    for (const event of ["readable", "data", "end", "error"]) {
      expect([event, sockets[0]?.listenerCount(event)]).toEqual([event, expected.listenerCount(event)]);
    }
    expect(["readable", "data", "end"].map((event) => sockets[1]?.listenerCount(event))).toEqual([0, 0, 1]);
    plain.close();
  });
});

describe("limits", () => {
  test("a client that sends nothing is closed at the sniff limit", async () => {
    const { received } = await dial(await start({ ...PATIENT, sniffTimeoutMs: 20 }));
    expect(await received()).toBe("");
  });

  test("a connection that has shown its protocol outlives the sniff limit", async () => {
    const server = await start({ ...PATIENT, sniffTimeoutMs: 100 });
    const agent = new Agent({ keepAlive: true });
    await get1(server.port, "/echo", agent);
    const session = await openHttp2(server.url);
    await (await dial(server)).received();
    expect(await get1(server.port, "/echo", agent)).toMatchObject({ status: 200 });
    expect(await get2(session, "/echo")).toMatchObject({ status: 200 });
    expect(server.sockets).toHaveLength(3);
  });

  test.each([
    ["resets", (client: Socket) => client.resetAndDestroy()],
    ["hangs up", (client: Socket) => client.end()],
  ])("a client that %s before its protocol is known is let go", async (_, leave) => {
    const server = await start();
    const { client, serverSide, arrived } = await dial(server);
    client.write("PRI");
    await arrived(3);
    leave(client);
    await closed(serverSide);
    expect(await get1(server.port, "/echo")).toMatchObject({ status: 200 });
  });

  test.each<[string, OnePortOptions, string, string]>([
    ["malformed is answered with 400", {}, "NOT HTTP\r\n\r\n", "400 Bad Request"],
    [
      "over the header limit is answered with 431",
      { maxHeaderBytes: 1024 },
      `GET /echo HTTP/1.1\r\nhost: a\r\nx: ${"x".repeat(1024)}`,
      "431 Request Header Fields Too Large",
    ],
    [
      "whose headers do not end in time is answered with 408",
      { headersTimeoutMs: 50 },
      "GET /echo HTTP/1.1\r\nhost: a",
      "408 Request Timeout",
    ],
    [
      "whose body does not end in time is answered with 408",
      { headersTimeoutMs: 50, requestTimeoutMs: 50 },
      "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nh",
      "408 Request Timeout",
    ],
  ])("an HTTP/1.1 request %s and closed", async (_, options, sent, status) => {
    const { client, received } = await dial(await start({ ...PATIENT, ...options }));
    client.write(sent);
    expect(await received()).toMatch(new RegExp(`^HTTP/1.1 ${status}\r\n`));
  });

  test("an HTTP/1.1 client is told how long its idle connection stays open", async () => {
    const { port } = await start({ ...PATIENT, keepAliveTimeoutMs: 7_000 });
    const { headers } = await get1(port, "/echo", new Agent({ keepAlive: true }));
    expect(headers).toMatchObject({ connection: "keep-alive", "keep-alive": "timeout=7" });
  });

  test.each([
    ["its first request", { sniffTimeoutMs: 500 }, { isUsed: false, heldUpMs: 600 }],
    // Node adds a second to that limit.
    ["a further request", { keepAliveTimeoutMs: 500 }, { isUsed: true, heldUpMs: 1_700 }],
  ])(
    "a connection whose time ran out while %s was waiting to be read is served",
    async (_, options, { isUsed, heldUpMs }) => {
      const { client, received } = await dial(await start({ ...PATIENT, ...options }));
      const get = "GET /echo HTTP/1.1\r\nhost: a\r\n";
      if (isUsed) {
        client.write(`${get}\r\n`);
        await once(client, "readable");
        client.read();
      }
      setImmediate(() => {
        client.write(`${get}connection: close\r\n\r\n`);
        holdUpTheLoop(heldUpMs);
      });
      expect(await received()).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    },
  );

  test("an HTTP/2 request over the header limit is reset, and its session goes on", async () => {
    const { url } = await start({ maxHeaderBytes: 1024 });
    const session = await openHttp2(url);
    const refused = session.request({ ":path": "/echo", x: "x".repeat(1024) });
    await expect(once(refused, "response")).rejects.toThrow("NGHTTP2_ENHANCE_YOUR_CALM");
    expect(await get2(session, "/echo")).toMatchObject({ status: 200 });
  });

  test("an HTTP/2 request whose body does not end in time is reset, and its session goes on", async () => {
    const { url } = await start({ ...PATIENT, headersTimeoutMs: 50, requestTimeoutMs: 50 });
    const session = await openHttp2(url);
    const slow = session.request({ ":path": "/echo", ":method": "POST", "content-type": "text/plain" });
    slow.write("h");
    await once(slow, "close");
    expect(slow.rstCode).toBe(8); // CANCEL
    expect(await get2(session, "/echo")).toMatchObject({ status: 200 });
  });

  test("an HTTP/2 session allows as many streams at once as configured", async () => {
    const session = await openHttp2((await start({ maxConcurrentStreams: 3 })).url);
    expect(session.remoteSettings.maxConcurrentStreams).toBe(3);
  });

  test("a silent HTTP/2 session is told to go away", async () => {
    const session = await openHttp2((await start({ ...PATIENT, sessionIdleMs: 20 })).url);
    expect((await once(session, "goaway"))[0]).toBe(0);
  });

  test("a session with a stream under way is not idle, however long that takes", async () => {
    const server = await start({ ...PATIENT, sessionIdleMs: 20, pingIntervalMs: 200 });
    const session = await openHttp2(server.url);
    const goaway = once(session, "goaway");
    const stream = session.request({ ":path": "/stream" }).setEncoding("utf8");
    await once(stream, "data");
    let pings = 0;
    await new Promise<void>((resolve) => session.on("ping", () => ++pings === 3 && resolve()));
    server.openGate();
    expect((await once(stream, "data"))[0]).toBe("ended");
    await goaway;
  });

  test("a session whose peer broke the protocol, and answers no ping, is let go", async () => {
    const { client, serverSide } = await dial(await start({ ...PATIENT, pingIntervalMs: 20 }));
    const dataOnStream0 = Buffer.from([0, 0, 1, 0, 0, 0, 0, 0, 0, 7]);
    client.write(Buffer.concat([Buffer.from(PREFACE), EMPTY_SETTINGS, dataOnStream0]));
    await closed(serverSide);
  });

  test("a session that waits for its peer to hang up is not asked for a sign of life", async () => {
    const server = await start({ ...PATIENT, sessionIdleMs: 10, pingIntervalMs: 30 });
    const { client, serverSide } = await dial(server, { allowHalfOpen: true });
    client.resume().write(Buffer.concat([Buffer.from(PREFACE), EMPTY_SETTINGS]));
    await once(client, "end");
    await closed(serverSide); // a ping in between would throw where nobody catches
  });

  test("a connection over the limit is closed as it comes", async () => {
    const server = await start({ maxConnections: 1 });
    await openHttp2(server.url);
    await expect(get1(server.port, "/echo")).rejects.toThrow();
  });

  test("frames that are not HTTP/2 end only their own session", async () => {
    const server = await start();
    const { client, serverSide } = await dial(server);
    client.write(`${PREFACE}these are not frames of HTTP/2`);
    await closed(serverSide);
    expect(await get2(await openHttp2(server.url), "/echo")).toMatchObject({ status: 200 });
  });

  test("an HTTP/2 client that hangs up without a word leaves no connection behind", async () => {
    const { client, serverSide } = await dial(await start());
    client.end(Buffer.concat([Buffer.from(PREFACE), EMPTY_SETTINGS]));
    await closed(serverSide);
  });
});

describe("closing", () => {
  test("close() does not wait for idle, silent and half-sent connections", async () => {
    const server = await start();
    const session = await openHttp2(server.url);
    await get2(session, "/echo");
    await get1(server.port, "/echo", new Agent({ keepAlive: true }));
    await dial(server);
    const { client, arrived } = await dial(server);
    client.write("GET /echo HTTP/1.1\r\n");
    await arrived(20);
    expect(server.sockets.filter((socket) => !socket.destroyed)).toHaveLength(4);
    await server.app.close();
  });

  test("close() lets a call under way finish in either protocol, and ends its connection", async () => {
    const { app, port, url, gated, openGate } = await start();
    const session = await openHttp2(url);
    const answers = Promise.all([
      get1(port, "/gated", new Agent({ keepAlive: true })),
      get2(session, "/gated"),
    ]);
    await expect.poll(() => gated).toHaveLength(2);
    const goaway = once(session, "goaway");
    const closing = app.close();
    expect((await goaway)[0]).toBe(0);
    openGate();
    const [answer1, answer2] = await answers;
    expect(answer1).toMatchObject({ status: 200, body: "let through", headers: { connection: "close" } });
    expect(answer2).toMatchObject({ status: 200, body: "let through" });
    await closing;
  });

  test("close() waits also where the grace is longer than a timer reaches", async () => {
    const { app, port, gated, openGate } = await start({ ...PATIENT, closeGraceMs: 30 * 24 * 3_600_000 });
    const answer = get1(port, "/gated");
    await expect.poll(() => gated).toHaveLength(1);
    const closing = app.close();
    for (let tries = 0; tries < 50; tries++) await expect(get1(port, "/echo")).rejects.toThrow();
    openGate();
    expect(await answer).toMatchObject({ status: 200, body: "let through" });
    await closing;
  });

  test("an answer that had begun before close() ends whole, and its connection with it", async () => {
    const { app, port, openGate } = await start();
    const call = request({
      host: "127.0.0.1",
      port,
      path: "/stream",
      agent: new Agent({ keepAlive: true }),
    }).end();
    const [response] = await once(call, "response");
    const closing = app.close();
    await expect.poll(() => app.server.listening).toBe(false);
    openGate();
    expect(await text(response)).toBe("begun, ended");
    await closing;
  });

  test("close() does not cut off an answer that a slow HTTP/1.1 client has yet to read", async () => {
    const server = await start();
    const { client, serverSide, received } = await dial(server);
    client.write("GET /large HTTP/1.1\r\nhost: a\r\n\r\n");
    await expect.poll(() => serverSide.writableLength).toBeGreaterThan(0);
    const closing = server.app.close();
    await expect.poll(() => server.app.server.listening).toBe(false);
    const [, body] = (await received()).split("\r\n\r\n");
    expect(body).toHaveLength(LARGE_BYTES);
    await closing;
  });

  test("close() does not cut off an answer that a slow HTTP/2 client has yet to read", async () => {
    const { app, url } = await start();
    const session = await openHttp2(url);
    const stream = session.request({ ":path": "/large" });
    await once(stream, "response");
    const goaway = once(session, "goaway");
    const closing = app.close();
    await goaway;
    expect(await text(stream)).toHaveLength(LARGE_BYTES);
    await closing;
  });

  test("pipelined requests from before close() are answered, the last with Connection: close", async () => {
    const server = await start();
    const { client, serverSide, received } = await dial(server);
    client.write("GET /gated HTTP/1.1\r\nhost: a\r\n\r\n".repeat(2));
    await expect.poll(() => server.gated).toHaveLength(2);
    const closing = server.app.close();
    await expect.poll(() => server.app.server.listening).toBe(false);
    server.gated[0]?.release();
    await expect.poll(() => serverSide.bytesWritten).toBeGreaterThan(0);
    server.gated[1]?.release();
    const answers = await received();
    expect(answers.match(/let through/g)).toHaveLength(2);
    expect(answers.match(/connection: \S+/gi)).toEqual(["Connection: keep-alive", "Connection: close"]);
    await closing;
  });

  test("a pipelined request from after close() is not handled", async () => {
    const server = await start();
    const { client, received, arrived } = await dial(server);
    const sent = "GET /gated HTTP/1.1\r\nhost: a\r\n\r\n";
    client.write(sent);
    await expect.poll(() => server.gated).toHaveLength(1);
    const closing = server.app.close();
    await expect.poll(() => server.app.server.listening).toBe(false);
    client.write(sent);
    await arrived(2 * sent.length);
    server.openGate();
    const answers = await received();
    expect(answers.match(/HTTP\/1.1 200 OK/g)).toHaveLength(1);
    expect(answers).toMatch(/connection: close/i);
    expect(server.gated).toHaveLength(1);
    await closing;
  });

  test("a peer that does not answer the end of its idle HTTP/2 session does not hold close() up", async () => {
    const server = await start();
    const { client } = await dial(server, { allowHalfOpen: true });
    client.write(Buffer.concat([Buffer.from(PREFACE), EMPTY_SETTINGS]));
    await once(client, "data");
    await server.app.close();
  });

  test.each<[string, number, (server: Started) => void]>([
    ["closeAllConnections() was called", 60_000, ({ app }) => app.server.closeAllConnections()],
    ["closeGraceMs has passed", 50, () => {}],
  ])("calls that do not end are cut off when %s", async (_, closeGraceMs, force) => {
    const server = await start({ ...PATIENT, closeGraceMs });
    const session = await openHttp2(server.url);
    const calls = Promise.allSettled([get1(server.port, "/gated"), get2(session, "/gated")]);
    await expect.poll(() => server.gated).toHaveLength(2);
    session.on("error", () => {});
    const closing = server.app.close();
    await expect.poll(() => server.app.server.listening).toBe(false);
    force(server);
    expect((await calls).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await closing;
  });

  test("a server beside it goes on when one closes", async () => {
    const [one, other] = [await start(), await start()];
    const agent = new Agent({ keepAlive: true });
    const session = await openHttp2(other.url);
    await get1(other.port, "/echo", agent);
    await get1(one.port, "/echo", agent);
    await one.app.close();
    expect(await get1(other.port, "/echo", agent)).toMatchObject({ status: 200, body: "GET 1.1" });
    expect(await get2(session, "/echo")).toMatchObject({ status: 200, body: "GET 2.0" });
    expect(other.sockets).toHaveLength(2);
  });
});
