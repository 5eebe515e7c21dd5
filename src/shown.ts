/** A value as an error shows it: on one line, and cut where it is long. */
import { inspect } from "node:util";

/** Errors travel in headers, which are small. */
const maxLength = 200;

export function shown(value: unknown): string {
  return typeof value === "string"
    ? JSON.stringify(cut(value))
    : cut(inspect(value, { breakLength: Infinity }));
}

/** The text, or its beginning. */
export function cut(text: string, length: number = maxLength): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`;
}
