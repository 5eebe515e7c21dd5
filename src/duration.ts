/**
 * Durations as people write them: `"30s"`, `"24h"`, `"1.5m"`; a number is milliseconds.
 */
import ms from "ms";
import { shown } from "./shown.ts";

/** A time span: a number of milliseconds, or a text with a unit such as `"30s"`, `"15 minutes"`, `"24h"`. */
export type Duration = number | string;

/** The longest span taken, about 279 years: beyond it milliseconds lose their exactness in timestamps. */
const maxMs = 2 ** 43;

/**
 * A duration in whole milliseconds.
 *
 * @throws RangeError for a text without a unit, an unreadable, negative or overlong span; it shows the value
 */
export function durationMs(duration: Duration): number {
  const milliseconds = typeof duration === "string" ? parse(duration) : duration;
  if (typeof milliseconds === "number" && milliseconds < 0) {
    throw new RangeError(`invalid duration ${shown(duration)}: it must not be negative`);
  }
  if (typeof milliseconds !== "number" || !(milliseconds >= 0 && milliseconds <= maxMs)) {
    throw new RangeError(
      `invalid duration ${shown(duration)}: expected a number with a unit such as "500ms", "30s" or "24h"`,
    );
  }
  return Math.round(milliseconds);
}

function parse(text: string): number {
  // ms reads a bare number as milliseconds; in a text that is a unit forgotten.
  if (!/[a-z]$/i.test(text) || text.length > 100) return Number.NaN;
  return ms(text as ms.StringValue) ?? Number.NaN;
}
