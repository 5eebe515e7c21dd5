/** Whether the server is there, and what it said last if it is not as it should be. */
import { Code, ConnectError } from "@connectrpc/connect";
import { signal } from "@preact/signals";

/** absent: the server is there, but not the world; locked: it asks for a token. */
export type Connection = "connecting" | "connected" | "lost" | "absent" | "locked";

export const connection = signal<Connection>("connecting");

/** Since when, by the clock of who looks, it is there again after it was lost. */
export const backSince = signal<Date | undefined>(undefined);

/** Takes note of a call that succeeded. */
export function hearSuccess(): void {
  if (connection.value === "lost") backSince.value = new Date();
  connection.value = "connected";
}

/** Takes note of how a call failed. */
export function hearFailure(error: unknown): void {
  const { code } = ConnectError.from(error);
  if (code === Code.Unauthenticated) connection.value = "locked";
  else if (code === Code.NotFound) connection.value = "absent";
  else connection.value = "lost";
}
