/** Waiting, in the machine's time, for as long as somebody still waits for the call. */
import { onAbort } from "./abort.ts";
import { type HostTime, maxTimerMs } from "./clock.ts";
import { endedBy } from "./errors.ts";

/**
 * Resolves after the delay. A signal may see many of them: none stays with it.
 *
 * @throws ConnectError why the signal was aborted, if it was before that
 */
export function delay(delayMs: number, host: HostTime, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      disarm();
      reject(endedBy(signal));
    };
    const disarm = host.setTimer(Math.min(delayMs, maxTimerMs), () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    onAbort(signal, stop);
  });
}
