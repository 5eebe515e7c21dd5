/** Randomness, injected like time: ids and tokens are drawn from it, and a test can fix it. */
import { randomBytes } from "node:crypto";

/** A source of random bytes. */
export type Random = (length: number) => Uint8Array;

/** Bytes that nobody can guess. */
export const systemRandom: Random = (length) => randomBytes(length);
