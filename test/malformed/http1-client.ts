/**
 * HTTP/1.1 by hand: writes whatever bytes it is given and reads responses, since no client of a library sends what is
 * malformed. It knows just enough of HTTP to find where a response ends.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { answerOf, type Exchange, type HttpAnswer, type Send } from "./row.ts";

export type Bytes = string | Uint8Array;

/** A request with a body, as raw bytes; headers are written as they are given, in their order. */
export function post(path: string, headers: Readonly<Record<string, string>>, body: Bytes = ""): Buffer {
  const content = Buffer.from(body);
  const head = { host: "127.0.0.1", ...headers, "content-length": String(content.length) };
  return Buffer.concat([Buffer.from(`POST ${path} HTTP/1.1\r\n${lines(head)}\r\n`, "latin1"), content]);
}

export function get(path: string, headers: Readonly<Record<string, string>> = {}): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\n${lines({ host: "127.0.0.1", ...headers })}\r\n`, "latin1");
}

const lines = (headers: Readonly<Record<string, string>>) =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");

export interface SendOptions {
  /** How many responses to wait for. Default: 1. */
  readonly answers?: number;
  /** What is done once the bytes are written: the sending side ended, or the connection reset, which nobody answers. */
  readonly afterwards?: "end" | "reset";
  /** Whether the request is not whole: then nothing else can be sent after it. */
  readonly isPart?: true;
}

/** Sends the bytes over a connection of their own; `400, closed` is an answer after which the server hung up. */
export function http1(bytes: Bytes, { answers = 1, afterwards, isPart }: SendOptions = {}): Send {
  return async (port) => {
    const connection = await Http1Connection.open(port);
    const written = connection.write(bytes);
    if (afterwards === "reset") {
      await written;
      await connection.reset();
      return { answer: "left", text: "", again: undefined, end() {} };
    }
    if (afterwards === "end") connection.end();
    return connection.exchange(answers, isPart);
  };
}

export class Http1Connection {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #over = false;
  #wake = () => {};

  static async open(port: number): Promise<Http1Connection> {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    await once(socket, "connect");
    return new Http1Connection(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    // A server that refuses may hang up while there is still something to be sent.
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    for (const event of ["end", "close"] as const) {
      socket.on(event, () => {
        this.#over = true;
        this.#wake();
      });
    }
  }

  /** Resolves once it is with the system, or cannot be sent any more. */
  write(bytes: Bytes): Promise<void> {
    return new Promise((resolve) => this.socket.write(bytes, () => resolve()));
  }

  end(): void {
    this.socket.end();
  }

  async reset(): Promise<void> {
    const closed = once(this.socket, "close");
    this.socket.resetAndDestroy();
    await closed;
  }

  /** What becomes of what was sent. */
  async exchange(answers = 1, isPart = false): Promise<Exchange> {
    const told: string[] = [];
    let last: HttpAnswer | undefined;
    while (told.length < answers) {
      last = await this.response();
      if (last === undefined) break;
      told.push(answerOf(last).answer);
    }
    if (isPart && last !== undefined) {
      const { answer, text } = answerOf(last);
      return { answer, text, again: undefined, end: () => this.socket.destroy() };
    }
    const hungUp = last === undefined || last.headers.connection === "close";
    // Not every refusal says that the connection ends with it.
    const next = hungUp || this.socket.writableEnded ? "closed" : await this.call(get("/healthz"));
    if (next === "closed") {
      await this.#end();
      told.push("closed");
    }
    return {
      answer: told.join(", "),
      text: last === undefined ? "" : answerOf(last).text,
      again: next === "closed" ? undefined : async () => next,
      end: () => this.socket.destroy(),
    };
  }

  async call(bytes: Bytes): Promise<string> {
    this.write(bytes);
    const response = await this.response();
    return response === undefined ? "closed" : answerOf(response).answer;
  }

  /** The next one; undefined if the connection ends before that. */
  async response(): Promise<HttpAnswer | undefined> {
    for (;;) {
      const found = responseIn(this.#received, this.#over);
      if (found !== undefined) {
        this.#received = this.#received.subarray(found.length);
        if (found.answer.status >= 200) return found.answer;
        continue;
      }
      if (this.#over) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async #end(): Promise<void> {
    while (!this.#over) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/** The first response in the bytes, and how long it is, if it is whole. */
function responseIn(bytes: Buffer, over: boolean): { answer: HttpAnswer; length: number } | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd < 0) return undefined;
  const [statusLine = "", ...headerLines] = bytes.toString("latin1", 0, headEnd).split("\r\n");
  const headers = Object.fromEntries(
    headerLines.map((line) => [line.split(":", 1)[0]?.toLowerCase(), line.replace(/^[^:]*: */, "")]),
  );
  const status = Number(statusLine.split(" ")[1]);
  const rest = bytes.subarray(headEnd + 4);
  const body = bodyIn(rest, status, headers, over);
  if (body === undefined) return undefined;
  return { answer: { status, headers, body: body.content }, length: headEnd + 4 + body.length };
}

function bodyIn(rest: Buffer, status: number, headers: Record<string, string>, over: boolean) {
  if (status < 200 || status === 204 || status === 304) return { content: Buffer.alloc(0), length: 0 };
  if (headers["transfer-encoding"] === "chunked") return chunksIn(rest);
  const length = Number(headers["content-length"] ?? (over ? rest.length : Number.POSITIVE_INFINITY));
  return rest.length < length ? undefined : { content: rest.subarray(0, length), length };
}

function chunksIn(rest: Buffer) {
  const chunks = [];
  for (let at = 0; ; ) {
    const sizeEnd = rest.indexOf("\r\n", at);
    if (sizeEnd < 0) return undefined;
    const size = Number.parseInt(rest.toString("latin1", at, sizeEnd), 16);
    const end = sizeEnd + 2 + size + 2;
    if (rest.length < end) return undefined;
    if (size === 0) return { content: Buffer.concat(chunks), length: end };
    chunks.push(rest.subarray(sizeEnd + 2, sizeEnd + 2 + size));
    at = end;
  }
}
