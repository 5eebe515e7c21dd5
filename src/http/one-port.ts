/**
 * One port for HTTP/1.1 and HTTP/2, in plaintext (h2c with prior knowledge) or in TLS, made for Fastify's
 * `serverFactory`. Tells the protocols apart by a connection's first bytes, bounds what a client may cost, and closes
 * gracefully. It is Node's http.Server with an http2.Server behind it, and a tls.Server before both: HTTP and TLS are
 * left to these, the answers to the handler.
 */
import { type IncomingMessage, type RequestListener, Server, type ServerResponse } from "node:http";
import {
  constants,
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type Http2Session,
  type Http2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import { createServer as createTlsServer, TLSSocket } from "node:tls";
import { maxTimerMs } from "../clock.ts";
import { sniff, speaksHttp2, speaksTls } from "./sniff.ts";

/** What a server shows to be trusted, each as PEM. */
export interface TlsIdentity {
  /** The certificate, with those between it and the root behind it. */
  readonly cert: string;
  readonly key: string;
}

export interface OnePortOptions {
  /** TLS, with ALPN for `h2` and `http/1.1`; plaintext is then answered with 400. Default: plaintext. */
  tls?: TlsIdentity | undefined;
  /** How long a connection may take for the TLS handshake, and to show what it speaks, before it is closed. Default 10 s. */
  sniffTimeoutMs?: number;
  /** HTTP/1.1: how long a request's headers may take, before a 408; at most requestTimeoutMs. Default 20 s. */
  headersTimeoutMs?: number;
  /** How long a whole request may take to arrive, before a 408, or a reset stream in HTTP/2. Default 60 s. */
  requestTimeoutMs?: number;
  /** HTTP/1.1: how long a connection may wait for its next request, before it is closed. Default 5 s. */
  keepAliveTimeoutMs?: number;
  /** HTTP/2: how long a session may go without a stream, before GOAWAY. Default 5 min. */
  sessionIdleMs?: number;
  /** HTTP/2: how often a peer is asked for a sign of life; without an answer by the next time it is gone. Default 20 s. */
  pingIntervalMs?: number;
  /** The headers of one request: beyond it, a 431 in HTTP/1.1 and a reset stream in HTTP/2. Default 16 KiB. */
  maxHeaderBytes?: number;
  /** HTTP/2: streams open at once on one session; more are refused. Default 250. */
  maxConcurrentStreams?: number;
  /** Connections open at once; more are closed as they come. Default 1000. */
  maxConnections?: number;
  /** How long close() waits for what is under way, before it destroys every connection. Default 10 s. */
  closeGraceMs?: number;
}

const DEFAULTS: Required<OnePortOptions> = {
  tls: undefined,
  sniffTimeoutMs: 10_000,
  headersTimeoutMs: 20_000,
  requestTimeoutMs: 60_000,
  keepAliveTimeoutMs: 5_000,
  sessionIdleMs: 300_000,
  pingIntervalMs: 20_000,
  maxHeaderBytes: 16 * 1024,
  maxConcurrentStreams: 250,
  maxConnections: 1_000,
  closeGraceMs: 10_000,
};

/** What a client hears that speaks plaintext where TLS is spoken; it would take an alert for noise. */
const plaintextRefusal =
  "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\nThis port speaks TLS: use https.\n";

/** How long a peer may take to answer the FIN that ends an HTTP/2 session. */
const LINGER_MS = 1_000;

/** @example Fastify({ serverFactory: (handler) => createOnePortServer(handler) }) */
export function createOnePortServer(handler: RequestListener, options: OnePortOptions = {}): Server {
  return new OnePortServer(handler, { ...DEFAULTS, ...options });
}

class OnePortServer extends Server {
  readonly #options: Required<OnePortOptions>;
  readonly #http2;
  readonly #serveHttp1;
  /** By their peers' addresses: those whose TLS is off have taken the places of those that it was on. */
  readonly #sockets = new Map<string, Socket>();
  readonly #sessions = new WeakMap<Socket, Http2Session>();
  /** The newest answer under way on an HTTP/1.1 connection: answers keep their order, so it is the last to end. */
  readonly #answers = new WeakMap<Socket, ServerResponse>();

  constructor(handler: RequestListener, options: Required<OnePortOptions>) {
    super({
      headersTimeout: Math.min(options.headersTimeoutMs, options.requestTimeoutMs),
      requestTimeout: options.requestTimeoutMs,
      keepAliveTimeout: options.keepAliveTimeoutMs,
      maxHeaderSize: options.maxHeaderBytes,
      // Node looks for late requests every 30 s only, which would stretch the two limits above by as much.
      connectionsCheckingInterval: 1_000,
    });
    this.#options = options;
    this.maxConnections = options.maxConnections;
    this.on("request", (request, response) => this.#track(request, response));
    this.on("request", handler);
    this.on("timeout", destroyUnlessHeard);

    // Fastify types its handler after one kind of server, but serves both kinds of request.
    const http2Handler = handler as unknown as (req: Http2ServerRequest, res: Http2ServerResponse) => void;
    const { maxConcurrentStreams, maxHeaderBytes: maxHeaderListSize } = options;
    this.#http2 = createServer({ settings: { maxConcurrentStreams, maxHeaderListSize } }, http2Handler);
    this.#http2.on("request", (request) => limitArrival(request, options.requestTimeoutMs));

    // Node's own way in stands aside until the protocol is known.
    this.#serveHttp1 = this.listeners("connection");
    this.removeAllListeners("connection");
    this.on("connection", (socket) => this.#hold(socket));
    const { tls } = options;
    if (tls === undefined) this.on("connection", (socket) => this.#serve(socket));
    else this.on("connection", this.#decrypter(tls));
  }

  /** Ends at once what is idle and lets finish what is under way, for closeGraceMs. */
  override close(callback?: (error?: Error) => void): this {
    super.close(callback); // calls closeIdleConnections()
    for (const socket of this.#sockets.values()) {
      this.#sessions.get(socket)?.close();
      const answer = this.#answers.get(socket);
      if (answer?.headersSent === false) answer.setHeader("Connection", "close");
    }
    const graceMs = Math.min(this.#options.closeGraceMs, maxTimerMs);
    const force = setTimeout(() => this.closeAllConnections(), graceMs);
    return this.once("close", () => clearTimeout(force));
  }

  /**
   * Destroys the connections on which no request is being handled. Node's own method would spare half a request,
   * whose time limit nobody watches after close(), and would cut off an answer that is still being flushed.
   */
  override closeIdleConnections(): void {
    for (const socket of this.#sockets.values()) {
      if (!this.#answers.has(socket) && !this.#sessions.has(socket)) socket.destroy();
    }
  }

  override closeAllConnections(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
  }

  #hold(socket: Socket): void {
    const peer = `${socket.remoteAddress} ${socket.remotePort}`;
    this.#sockets.set(peer, socket);
    socket.once("close", () => {
      if (this.#sockets.get(peer) === socket) this.#sockets.delete(peer);
    });
  }

  #serve(socket: Socket): void {
    sniff(socket, this.#options.sniffTimeoutMs, speaksHttp2, (isHttp2) => {
      if (isHttp2) return this.#http2Session(socket);
      for (const serve of this.#serveHttp1) serve.call(this, socket);
      if (socket instanceof TLSSocket) parseFromStream(socket);
    });
  }

  /** Takes connections out of their TLS; from then on it is what is in them that is held and served. */
  #decrypter({ cert, key }: TlsIdentity): (socket: Socket) => void {
    const handshakeTimeout = this.#options.sniffTimeoutMs;
    const tls = createTlsServer({ cert, key, ALPNProtocols: ["h2", "http/1.1"], handshakeTimeout });
    tls.on("tlsClientError", (error, socket) => {
      this.emit("tlsClientError", error, socket);
      socket.destroy();
    });
    tls.on("secureConnection", (socket) => {
      this.#hold(socket);
      this.#serve(socket);
    });
    return (socket) =>
      sniff(socket, handshakeTimeout, speaksTls, (isTls) => {
        if (isTls) tls.emit("connection", socket);
        else socket.end(plaintextRefusal);
      });
  }

  #track({ socket }: IncomingMessage, answer: ServerResponse): void {
    this.#answers.set(socket, answer);
    answer.once("close", () => {
      if (this.#answers.get(socket) !== answer) return;
      this.#answers.delete(socket);
      if (!this.listening) socket.destroySoon();
    });
  }

  #http2Session(socket: Socket): void {
    // Sockets of an http.Server may be half open, but http2 expects a hang-up to end the whole connection.
    socket.allowHalfOpen = false;
    // A peer that never answers our FIN must not hold the connection.
    socket.once("finish", () => socket.setTimeout(LINGER_MS, () => socket.destroy()));
    this.#http2.once("session", (session) => {
      this.#sessions.set(socket, session);
      closeWhenIdle(session, this.#options.sessionIdleMs);
      destroyWhenGone(session, this.#options.pingIntervalMs);
    });
    this.#http2.emit("connection", socket); // emits "session" before it returns
  }
}

/**
 * Has Node's HTTP parser read from the stream, by listening for data, where it would read from the handle. While an
 * earlier answer is being written, the parser pauses; but a TLS handle goes on with the records that it has, the parser
 * calls that an error (`HPE_PAUSED`), and the connection ends in the middle of a good request. So it is on Node 20 to 26.
 */
function parseFromStream(socket: TLSSocket): void {
  socket.on("data", () => {});
}

/**
 * Ends a connection that has been idle for its time, unless a request had come and only the loop was too busy to read
 * it: its client would never know whether it was served.
 */
function destroyUnlessHeard(socket: Socket): void {
  const { bytesRead } = socket;
  setImmediate(() => {
    if (socket.bytesRead === bytesRead) socket.destroy();
  });
}

/** Resets a stream whose request is not whole in time, as http.Server does with its connections. */
function limitArrival(request: Http2ServerRequest, timeoutMs: number): void {
  const timer = setTimeout(() => request.stream.close(constants.NGHTTP2_CANCEL), timeoutMs);
  const stop = () => clearTimeout(timer);
  request.once("end", stop).once("close", stop);
}

/** With a timer of our own: sessions that have used Node's keep two kilobytes after their end. */
function closeWhenIdle(session: Http2Session, idleMs: number): void {
  let streams = 0;
  const timer = setTimeout(() => {
    if (streams === 0) session.close();
  }, idleMs).unref();
  session.on("stream", (stream: Http2Stream) => {
    streams++;
    stream.once("close", () => {
      streams--;
      timer.refresh();
    });
  });
  session.once("close", () => clearTimeout(timer));
}

/** A session whose peer broke the protocol is one of these: after its GOAWAY Node reads no more, and hears no FIN. */
function destroyWhenGone(session: Http2Session, intervalMs: number): void {
  let answered = true;
  const timer = setInterval(() => {
    if (session.destroyed) return; // its "close" waits for the socket, and a ping would throw
    if (!answered) return session.destroy();
    answered = false;
    session.ping(() => {
      answered = true;
    });
  }, intervalMs).unref();
  session.once("close", () => clearInterval(timer));
}
