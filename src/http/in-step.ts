/**
 * Requests that have come at once are answered in step: what runs for one of them runs for all of them before the next
 * thing does, while the processor still has it at hand, and their answers go out one right after the other. A call takes
 * half the time that it takes where each is answered before the next one is looked at (decisions/0010).
 */
import { systemTime } from "../clock.ts";

let step: Promise<void> | undefined;

/** Resolves once all has been read that has come, for everybody who waits for it in the same turn of the event loop. */
export function inStep(): Promise<void> {
  step ??= systemTime.turn().then(() => {
    step = undefined;
  });
  return step;
}
