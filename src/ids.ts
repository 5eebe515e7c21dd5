/**
 * Identifiers. New ones are UUIDv7 as the real service makes them (LIVE): world time first, so that their
 * order is the order of creation, also within one millisecond and while the clock stands still.
 */
import { parse, v5, v7 } from "uuid";
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

/** Makes new identifiers, each greater than the one before. */
export type Ids = () => string;

export function createIds(clock: Pick<Clock, "nowMs">, random: Random): Ids {
  let msecs = -1;
  let seq = 0;
  return () => {
    const bytes = random(16);
    const nowMs = clock.nowMs();
    if (nowMs > msecs) {
      msecs = nowMs;
      // Starts in the lower half of its 32 bits, so that it does not run over within a millisecond.
      seq = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) >>> 1;
    } else {
      seq++;
    }
    return v7({ msecs, seq, random: bytes });
  };
}

const noBytes = new Uint8Array(16);

/** The identifier of something that has a time and, in that order, a number: the same for whoever asks. */
export function orderedId(msecs: number, order: number): string {
  return v7({ msecs, seq: order, random: noBytes });
}

/** The number in such an identifier. */
export function orderOf(id: string): number {
  const [, , , , , , a = 0, b = 0, c = 0, d = 0, e = 0] = parse(id);
  return (((a & 0x0f) << 28) | (b << 20) | ((c & 0x3f) << 14) | (d << 6) | (e >>> 2)) >>> 0;
}

/** The namespace of the identifiers that are derived from names. */
const namespace = "5b3f9f0e-6f0c-4c55-9b3e-2d9e6f6a7c11";

/** The one identifier that belongs to a name: the same in every world and after every restart. */
export function idOfName(name: string): string {
  return v5(name, namespace);
}

/** The one way in which an id is kept; clients may write a UUID in capitals. */
export function canonical(id: string): string {
  return id.toLowerCase();
}
