/**
 * HTTP/2 by hand, frame by frame: for what breaks the framing itself. Headers are written without compression, and of
 * a response nothing is read but its status.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { errorName } from "./http2-client.ts";
import type { Exchange, Send } from "./row.ts";

export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export const type = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const flag = { ack: 1, endStream: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export const uint32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** SETTINGS with these pairs of identifier and value. */
export const settings = (...pairs: readonly (readonly [number, number])[]) =>
  frame(
    type.settings,
    0,
    0,
    Buffer.concat(
      pairs.map(([id, value]) => Buffer.concat([Uint8Array.of(id >> 8, id & 255), uint32(value)])),
    ),
  );

/** Literal header fields that are neither compressed nor remembered (RFC 7541, section 6.2.2). */
export function fields(...pairs: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(
    pairs.map(([name, value]) => Buffer.concat([Uint8Array.of(0), literal(name), literal(value)])),
  );
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([integer(bytes.length), bytes]);
}

/** RFC 7541, section 5.1, with a prefix of seven bits. */
function integer(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}

export const pseudo = (method: string, path: string) =>
  [
    [":method", method],
    [":scheme", "http"],
    [":path", path],
    [":authority", "127.0.0.1"],
  ] as const;

/** A whole request for the health of the server. */
export const goodRequest = (stream: number) =>
  frame(type.headers, flag.endHeaders | flag.endStream, stream, fields(...pseudo("GET", "/healthz")));

/**
 * Sends the preface, empty SETTINGS and the frames; what comes back is the end of the session (`goaway` with its error),
 * of a stream (`reset` with its error), or the status of the first answer.
 */
export function frames(...sent: readonly Uint8Array[]): Send {
  return rawHttp2(preface, settings(), ...sent);
}

/** The same, without anything of its own before. */
export function rawHttp2(...sent: readonly Uint8Array[]): Send {
  return async (port) => {
    const connection = await FrameConnection.open(port);
    connection.write(...sent);
    return connection.exchange();
  };
}

export class FrameConnection {
  readonly socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #over = false;
  #wake = () => {};

  static async open(port: number): Promise<FrameConnection> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    return new FrameConnection(socket);
  }

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    socket.on("close", () => {
      this.#over = true;
      this.#wake();
    });
  }

  write(...sent: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(sent));
  }

  async exchange(): Promise<Exchange> {
    const answer = await this.outcome();
    const isOver = answer === "closed" || answer.startsWith("goaway");
    // Who is told to go away does so; that the server then does the same is looked at after every row.
    if (isOver) this.socket.end();
    const again = isOver ? undefined : () => this.#again();
    return { answer, text: "", again, end: () => this.socket.destroy() };
  }

  /** The first thing that is told about what was sent. */
  async outcome(isMeant = (_stream: number) => true): Promise<string> {
    for (let got = await this.next(); got !== undefined; got = await this.next()) {
      if (got.type === type.goaway) return `goaway ${errorName(got.payload.readUInt32BE(4))}`;
      if (!isMeant(got.stream)) continue;
      if (got.type === type.rstStream) return `reset ${errorName(got.payload.readUInt32BE(0))}`;
      if (got.type === type.headers) return statusOf(got);
    }
    return "closed";
  }

  /** The next frame; undefined once the connection is closed. */
  async next(): Promise<Frame | undefined> {
    for (;;) {
      const length = this.#received.length < 9 ? Number.POSITIVE_INFINITY : this.#received.readUIntBE(0, 3);
      if (this.#received.length >= 9 + length) {
        const bytes = this.#received.subarray(0, 9 + length);
        this.#received = this.#received.subarray(9 + length);
        return {
          type: bytes.readUInt8(3),
          flags: bytes.readUInt8(4),
          stream: bytes.readUInt32BE(5) & 0x7fffffff,
          payload: bytes.subarray(9),
        };
      }
      if (this.#over) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** On a stream beyond all that the rows use. */
  async #again(): Promise<string> {
    const stream = 1_000_001;
    this.write(goodRequest(stream));
    return this.outcome((id) => id === stream);
  }
}

/** A status comes first in its headers, after what may be said about the table of the compression. */
function statusOf({ payload }: Frame): string {
  let at = 0;
  while ((payload.readUInt8(at) & 0xe0) === 0x20) at++;
  const first = payload.readUInt8(at);
  const indexed = ["200", "204", "206", "304", "400", "404", "500"][first - 0x88];
  return indexed ?? `status ${payload.toString("hex", at, at + 5)}`;
}
