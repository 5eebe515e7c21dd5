/** A value as an error shows it, on one line. */
import { inspect } from "node:util";

export function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : inspect(value, { breakLength: Infinity });
}
