/** Holding a call back. */
import type { StreamRequest, UnaryRequest } from "@connectrpc/connect";
import type { HostTime } from "../../clock.ts";
import { delay } from "../../delay.ts";
import { isServerStopping } from "../../errors.ts";

/**
 * Resolves after the delay, and at once if the server stops while an answer is under way, which then goes out.
 *
 * @throws ConnectError if the call ends before that
 */
export async function passed(
  delayMs: number,
  host: HostTime,
  { signal, stream }: Pick<UnaryRequest | StreamRequest, "signal" | "stream">,
): Promise<void> {
  try {
    await delay(delayMs, host, signal);
  } catch (error) {
    if (stream || !isServerStopping(signal.reason)) throw error;
  }
}
