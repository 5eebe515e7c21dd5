/** Chance that comes from a seed, and is the same on every machine. */
import { hash } from "node:crypto";

/** Numbers from 0 up to 1, one after another, that look drawn by chance. */
export type Draw = () => number;

/** The numbers of a seed from 0 to 2^32 - 1, from the one of that place on (mulberry32). */
export function chanceFrom(seed: number, place = 0): Draw {
  let state = (seed + Math.imul(0x6d2b79f5, place)) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The numbers of a text: those of texts that differ have nothing to do with each other. */
export function chanceOf(text: string): Draw {
  return chanceFrom(Number.parseInt(hash("sha256", text, "hex").slice(0, 8), 16));
}

/** A whole number from `min` to `max`, both included. */
export function wholeFrom(draw: Draw, min: number, max: number): number {
  return min + Math.floor(draw() * (max - min + 1));
}
