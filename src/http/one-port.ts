/**
 * One plaintext port for HTTP/1.1 and HTTP/2 with prior knowledge (h2c), made for Fastify's `serverFactory`.
 * Tells the protocols apart by a connection's first bytes, bounds what a client may cost, and closes gracefully.
 * It is Node's http.Server with an http2.Server behind it: HTTP is left to these, the answers to the handler.
 */
import { type IncomingMessage, type RequestListener, Server, type ServerResponse } from "node:http";
import {
  constants,
  createServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type Http2Session,
} from "node:http2";
import type { Socket } from "node:net";
import { maxTimerMs } from "../clock.ts";

export interface OnePortOptions {
  /** How long a connection may take to show which protocol it speaks, before it is closed. Default 10 s. */
  sniffTimeoutMs?: number;
  /** HTTP/1.1: how long a request's headers may take, before a 408; at most requestTimeoutMs. Default 20 s. */
  headersTimeoutMs?: number;
  /** How long a whole request may take to arrive, before a 408, or a reset stream in HTTP/2. Default 60 s. */
  requestTimeoutMs?: number;
  /** HTTP/1.1: how long a connection may wait for its next request, before it is closed. Default 5 s. */
  keepAliveTimeoutMs?: number;
  /** HTTP/2: how long a session may be silent, before GOAWAY; a stream under way goes on. Default 5 min. */
  sessionIdleMs?: number;
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
  sniffTimeoutMs: 10_000,
  headersTimeoutMs: 20_000,
  requestTimeoutMs: 60_000,
  keepAliveTimeoutMs: 5_000,
  sessionIdleMs: 300_000,
  maxHeaderBytes: 16 * 1024,
  maxConcurrentStreams: 250,
  maxConnections: 1_000,
  closeGraceMs: 10_000,
};

/** RFC 9113, section 3.4. */
const HTTP2_PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** How long a peer may take to answer the FIN that ends an HTTP/2 session. */
const LINGER_MS = 1_000;

/** @example Fastify({ serverFactory: (handler) => createOnePortServer(handler) }) */
export function createOnePortServer(handler: RequestListener, options: OnePortOptions = {}): Server {
  return new OnePortServer(handler, { ...DEFAULTS, ...options });
}

class OnePortServer extends Server {
  readonly #options: Required<OnePortOptions>;
  readonly #http2;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new WeakMap<Socket, Http2Session>();
  /** The newest answer under way on an HTTP/1.1 connection: answers keep their order, so it is the last to end. */
  readonly #answers = new WeakMap<Socket, ServerResponse>();

  constructor(handler: RequestListener, options: Required<OnePortOptions>) {
    super({
      headersTimeout: options.headersTimeoutMs,
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

    // Fastify types its handler after one kind of server, but serves both kinds of request.
    const http2Handler = handler as unknown as (req: Http2ServerRequest, res: Http2ServerResponse) => void;
    const { maxConcurrentStreams, maxHeaderBytes: maxHeaderListSize } = options;
    this.#http2 = createServer({ settings: { maxConcurrentStreams, maxHeaderListSize } }, http2Handler);
    this.#http2.on("request", (request) => limitArrival(request, options.requestTimeoutMs));

    // Node's own way in stands aside until the protocol is known.
    const serveHttp1 = this.listeners("connection");
    this.removeAllListeners("connection");
    this.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      sniff(socket, options.sniffTimeoutMs, (isHttp2) => {
        if (isHttp2) this.#serveHttp2(socket);
        else for (const serve of serveHttp1) serve.call(this, socket);
      });
    });
  }

  /** Ends at once what is idle and lets finish what is under way, for closeGraceMs. */
  override close(callback?: (error?: Error) => void): this {
    super.close(callback); // calls closeIdleConnections()
    for (const socket of this.#sockets) {
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
    for (const socket of this.#sockets) {
      if (!this.#answers.has(socket) && !this.#sessions.has(socket)) socket.destroy();
    }
  }

  override closeAllConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #track({ socket }: IncomingMessage, answer: ServerResponse): void {
    this.#answers.set(socket, answer);
    answer.once("close", () => {
      if (this.#answers.get(socket) !== answer) return;
      this.#answers.delete(socket);
      if (!this.listening) socket.destroySoon();
    });
  }

  #serveHttp2(socket: Socket): void {
    // Sockets of an http.Server may be half open, but http2 expects a hang-up to end the whole connection.
    socket.allowHalfOpen = false;
    // A peer that never answers our FIN must not hold the connection.
    socket.once("finish", () => socket.setTimeout(LINGER_MS, () => socket.destroy()));
    this.#http2.once("session", (session) => {
      this.#sessions.set(socket, session);
      session.setTimeout(this.#options.sessionIdleMs, () => session.close());
    });
    this.#http2.emit("connection", socket); // emits "session" before it returns
  }
}

/** Resets a stream whose request is not whole in time, as http.Server does with its connections. */
function limitArrival(request: Http2ServerRequest, timeoutMs: number): void {
  const timer = setTimeout(() => request.stream.close(constants.NGHTTP2_CANCEL), timeoutMs);
  const stop = () => clearTimeout(timer);
  request.once("end", stop).once("close", stop);
}

/** Calls `handOver` once the first bytes tell the protocol, with the socket as if nobody had read from it. */
function sniff(socket: Socket, timeoutMs: number, handOver: (isHttp2: boolean) => void): void {
  let head = Buffer.alloc(0);
  const giveUp = () => socket.destroy();
  const timer = setTimeout(giveUp, timeoutMs);
  const stop = () => {
    clearTimeout(timer);
    socket.off("readable", read).off("end", giveUp).off("error", giveUp).off("close", stop);
  };
  const read = () => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    head = Buffer.concat([head, chunk]);
    const length = Math.min(head.length, HTTP2_PREFACE.length);
    const agrees = head.compare(HTTP2_PREFACE, 0, length, 0, length) === 0;
    // `P` also begins POST, PUT and PATCH, and a client may send byte by byte.
    if (agrees && length < HTTP2_PREFACE.length) return;
    stop();
    socket.unshift(head);
    handOver(agrees);
  };
  socket.on("readable", read).on("end", giveUp).on("error", giveUp).on("close", stop);
}
