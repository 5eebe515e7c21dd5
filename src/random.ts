/** Randomness, injected like time: ids and tokens are drawn from it, and a test can fix it. */
import { randomBytes } from "node:crypto";

/** A source of random bytes. */
export type Random = (length: number) => Uint8Array;

/** Drawn from the system in pieces of this size: a call for each id costs ten times as much. */
const poolBytes = 8 * 1024;
let pool = new Uint8Array();
let given = 0;

/** Bytes that nobody can guess, each given out once. */
export const systemRandom: Random = (length) => {
  if (pool.length - given < length) {
    pool = randomBytes(Math.max(poolBytes, length));
    given = 0;
  }
  given += length;
  return pool.subarray(given - length, given);
};

/** A seed of 32 bits. */
export function seedFrom(random: Random): number {
  const bytes = random(4);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}
