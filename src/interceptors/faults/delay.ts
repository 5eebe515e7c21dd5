/** Waiting, in the machine's time, for as long as somebody still waits for the call. */
import type { StreamRequest, UnaryRequest } from "@connectrpc/connect";
import { onAbort } from "../../abort.ts";
import { type HostTime, maxTimerMs } from "../../clock.ts";
import { endedBy, isServerStopping } from "../../errors.ts";

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
  await new Promise<void>((resolve, reject) => {
    const disarm = host.setTimer(Math.min(delayMs, maxTimerMs), resolve);
    onAbort(signal, () => {
      disarm();
      if (!stream && isServerStopping(signal.reason)) resolve();
      else reject(endedBy(signal));
    });
  });
}
