/** TLS on the one port: which protocol ALPN chooses, what is answered to those who speak something else, and the end. */
import { once } from "node:events";
import { request } from "node:https";
import { type AddressInfo, connect as connectPlain, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import Fastify from "fastify";
import { describe, expect, onTestFinished } from "vitest";
import { createOnePortServer, type OnePortOptions } from "../../src/http/one-port.ts";
import { OptionError } from "../../src/options.ts";
import { certificate, makeCertificate } from "../support/certificates.ts";
import { test } from "../support/mock.ts";

const get = "GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

const LARGE_BYTES = 32 * 1024 * 1024;

/** A record that says that it carries a handshake, and does not. */
const badHandshake = [22, 3, 1, 0, 5, 9, 9, 9, 9, 9];

async function start(options: OnePortOptions = {}) {
  const tls = await certificate();
  const app = Fastify({ serverFactory: (handler) => createOnePortServer(handler, { tls, ...options }) });
  app.get("/version", async ({ protocol, raw }) => `${protocol} ${raw.httpVersion}`);
  app.get("/large", () => Buffer.alloc(LARGE_BYTES));
  app.post("/length", async ({ body }) => `got ${String(body).length}`);
  const accepted: Socket[] = [];
  app.server.on("connection", (socket) => accepted.push(socket));
  await app.listen({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => app.close());
  const { port } = app.server.address() as AddressInfo;
  const secure = (more: ConnectionOptions = {}) => {
    const socket = connect({ host: "127.0.0.1", port, ca: tls.cert, servername: "localhost", ...more });
    onTestFinished(() => void socket.destroy());
    return socket;
  };
  const plain = () => {
    const socket = connectPlain({ host: "127.0.0.1", port });
    onTestFinished(() => void socket.destroy());
    return socket;
  };
  return { app, port, cert: tls.cert, accepted, secure, plain };
}

async function negotiated(socket: TLSSocket) {
  await once(socket, "secureConnect");
  return socket.alpnProtocol;
}

describe("ALPN", () => {
  test.for([
    [["h2"], "h2"],
    [["http/1.1"], "http/1.1"],
    [["http/1.1", "h2"], "h2"],
    [["spdy/3", "http/1.1"], "http/1.1"],
    [undefined, false],
  ] as const)("of %j becomes %j", async ([offered, chosen]) => {
    const { secure } = await start();
    expect(await negotiated(secure(offered && { ALPNProtocols: [...offered] }))).toBe(chosen);
  });

  test("without a protocol in common ends the handshake", async () => {
    const { secure } = await start();
    const [error] = await once(secure({ ALPNProtocols: ["spdy/3"] }), "error");
    expect(error.code).toMatch(/NO_APPLICATION_PROTOCOL/);
  });

  test("is not needed for HTTP/1.1", async () => {
    const { secure } = await start();
    const socket = secure();
    socket.end(get);
    expect(await text(socket)).toMatch(/\r\n\r\nhttps 1\.1$/);
  });
});

test("a client that speaks plaintext is told that TLS is spoken here", async () => {
  const { plain } = await start();
  const socket = plain();
  socket.write(get);
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 [\s\S]*\r\n\r\nThis port speaks TLS: use https\.\n$/);
});

test("a request of several records is served behind an answer that is still being written", async () => {
  const { secure } = await start();
  const socket = secure();
  await once(socket, "secureConnect");
  socket.write("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await once(socket, "readable"); // and nothing is read: the answer waits
  socket.setMaxSendFragment(512); // two records, which Node reads in one go
  const body = "x".repeat(500);
  const head = `Host: localhost\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}`;
  socket.write(`POST /length HTTP/1.1\r\n${head}\r\n\r\n${body}`);
  expect((await text(socket)).slice(-200)).toMatch(/\r\n\r\ngot 500$/);
});

test("a handshake that fails is one of `tlsClientError`, and the next client is served", async () => {
  const { app, secure, plain, port, cert } = await start();
  const failure = once(app.server, "tlsClientError");
  plain().write(Buffer.from(badHandshake));
  expect((await failure)[0].code).toMatch(/^ERR_SSL/);
  const distrust = secure({ ca: (await makeCertificate()).cert });
  expect((await once(distrust, "error"))[0].code).toBe("DEPTH_ZERO_SELF_SIGNED_CERT");
  const [response] = await once(
    request({ host: "localhost", port, ca: cert, path: "/version" }).end(),
    "response",
  );
  expect(await text(response)).toBe("https 1.1");
});

describe("close() ends at once", () => {
  const patient = { sniffTimeoutMs: 60_000, keepAliveTimeoutMs: 60_000, closeGraceMs: 60_000 };

  test("connections that have said nothing, half of a handshake, or nothing after it", async () => {
    const { app, accepted, secure, plain } = await start(patient);
    const half = plain();
    half.write(Buffer.from([22, 3, 1, 2, 0, 1]));
    const clients = [plain(), half, secure({ ALPNProtocols: ["h2"] }), secure()];
    await Promise.all(clients.map((socket, at) => once(socket, at < 2 ? "connect" : "secureConnect")));
    await expect.poll(() => accepted.length).toBe(4);
    const ends = clients.map((socket) =>
      once(
        socket.on("error", () => {}),
        "close",
      ),
    );
    await app.close();
    await Promise.all(ends);
    expect(accepted.every(({ destroyed }) => destroyed)).toBe(true);
  });

  test("what is idle after an answer", async () => {
    const { app, secure } = await start(patient);
    const socket = secure();
    socket.write(get.replace("close", "keep-alive"));
    await once(socket, "data");
    const end = once(socket, "close");
    await app.close();
    await end;
  });
});

test("a handshake may not take longer than the limit", async () => {
  const { accepted, plain } = await start({ sniffTimeoutMs: 20 });
  const socket = plain();
  socket.write(Buffer.from([22, 3, 1, 2, 0, 1]));
  await once(
    socket.on("error", () => {}),
    "close",
  );
  expect(accepted.every(({ destroyed }) => destroyed)).toBe(true);
});

describe("a mock with a certificate", () => {
  test("speaks TLS at both addresses, and says so in its URLs", async ({ start: startMock }) => {
    const { cert, key } = await certificate();
    const mock = await startMock({ tlsCert: cert, tlsKey: key, controlPort: 0 });
    for (const url of [mock.url, mock.publicUrl, mock.controlUrl ?? ""]) {
      expect(new URL(url).protocol).toBe("https:");
      const [response] = await once(request(`${url}/healthz`, { ca: cert }).end(), "response");
      expect(response.statusCode).toBe(200);
    }
    const [response] = await once(
      request(`${mock.url}/.well-known/openid-configuration`, { ca: cert }).end(),
      "response",
    );
    expect(JSON.parse(await text(response)).issuer).toBe(mock.url);
  });

  test("logs a handshake that failed", async ({ start: startMock }) => {
    const { cert, key } = await certificate();
    const mock = await startMock({ tlsCert: cert, tlsKey: key });
    const socket = connectPlain(Number(new URL(mock.url).port), "127.0.0.1");
    socket.resume().write(Buffer.from(badHandshake));
    await once(
      socket.on("error", () => {}),
      "close",
    );
    await expect.poll(() => mock.log.join("\n")).toContain("no TLS with a client");
  });

  test.for([
    ["a certificate without a key", ({ cert }: Pem) => ({ tlsCert: cert }), "tlsKey: got nothing"],
    ["a key without a certificate", ({ key }: Pem) => ({ tlsKey: key }), "tlsCert: got nothing"],
    [
      "a file that there is not",
      ({ cert }: Pem) => ({ tlsCert: cert, tlsKey: "no/such/key.pem" }),
      'tlsKey: got "no/such/key.pem", takes a file that can be read: ENOENT',
    ],
    [
      "a file that is no PEM",
      ({ key }: Pem) => ({ tlsCert: "package.json", tlsKey: key }),
      'tlsCert: got "package.json", takes a certificate: ',
    ],
    [
      "a certificate for a key",
      ({ cert }: Pem) => ({ tlsCert: cert, tlsKey: cert }),
      "tlsKey: got a PEM text, takes a private key without a passphrase: ",
    ],
    [
      "another's key",
      ({ cert, other }: Pem) => ({ tlsCert: cert, tlsKey: other }),
      "tlsKey: got a PEM text, takes the private key of the certificate in tlsCert: ",
    ],
  ] as const)(
    "does not start with %s, and shows nothing of a key",
    async ([, options, message], { start: startMock }) => {
      const pem = { ...(await certificate()), other: (await makeCertificate()).key };
      const error = await startMock(options(pem)).catch((cause) => cause);
      expect(error).toBeInstanceOf(OptionError);
      expect(error.message).toContain(message);
      for (const line of `${pem.key}\n${pem.other}`.split("\n").filter((line) => /^\w/.test(line)))
        expect(error.message).not.toContain(line);
    },
  );
});

interface Pem {
  readonly cert: string;
  readonly key: string;
  readonly other: string;
}
