/** What carries a call. */
import { createContextKey } from "@connectrpc/connect";
import type { CallWire } from "../domain/call-log.ts";

/** What the HTTP layer knows of a call, and can do to it beyond answering it. */
export interface Connection {
  readonly wire: CallWire;
  /** Breaks it off without an answer. */
  breakOff(): void;
  /** Where the call is sent, with status 308 instead of whatever else is answered. */
  redirectedTo?: string;
  /** What is written in the place of each JSON message of the answer. */
  rewriteJson?: (json: string) => string;
}

/** Undefined where there is no HTTP. */
export const connectionKey = createContextKey<Connection | undefined>(undefined, {
  description: "connection",
});
