/** Finds out what a connection speaks from its first bytes, and hands it on as if nobody had read from it. */
import type { Socket } from "node:net";

/** Whether the connection speaks it; undefined: these bytes do not tell yet. */
export type Tell = (head: Buffer) => boolean | undefined;

/** RFC 9113, section 3.4. */
const http2Preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** `P` also begins POST, PUT and PATCH, and a client may send byte by byte. */
export const speaksHttp2: Tell = (head) => {
  const length = Math.min(head.length, http2Preface.length);
  if (head.compare(http2Preface, 0, length, 0, length) !== 0) return false;
  return length < http2Preface.length ? undefined : true;
};

/** A TLS record that carries a handshake: RFC 8446, section 5.1. */
const handshakeRecord = 22;

export const speaksTls: Tell = ([first]) => first === handshakeRecord;

/** Calls `handOver` once it can tell; a connection that does not let it, or not in time, is destroyed. */
export function sniff(
  socket: Socket,
  timeoutMs: number,
  tell: Tell,
  handOver: (speaks: boolean) => void,
): void {
  let head = Buffer.alloc(0);
  const giveUp = () => socket.destroy();
  let late: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    // What came in time is read first, however busy the loop was.
    late = setImmediate(giveUp);
  }, timeoutMs);
  const stop = () => {
    clearTimeout(timer);
    clearImmediate(late);
    socket.off("readable", read).off("end", giveUp).off("error", giveUp).off("close", stop);
  };
  const read = () => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    head = Buffer.concat([head, chunk]);
    const speaks = tell(head);
    if (speaks === undefined) return;
    stop();
    socket.unshift(head);
    handOver(speaks);
  };
  socket.on("readable", read).on("end", giveUp).on("error", giveUp).on("close", stop);
}
