/** The world's time. It is heard of some times a second, and runs on by itself in between. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { effect, signal } from "@preact/signals";
import type { Clock } from "../../src/gen/runnermock/v1/control_pb.ts";
import { connection } from "./connection.ts";

const tickMs = 200;

/** What time it is in the world, in milliseconds; undefined: not known yet. */
export const nowMs = signal<number | undefined>(undefined);

export const frozen = signal(false);

let heard = { nowMs: 0, atMs: 0 };

export function hearClock(clock: Clock | undefined): void {
  if (clock?.now === undefined) return;
  heard = { nowMs: timestampMs(clock.now), atMs: performance.now() };
  frozen.value = clock.frozen;
  nowMs.value = heard.nowMs;
}

export function forgetClock(): void {
  nowMs.value = undefined;
}

effect(() => {
  if (frozen.value || connection.value !== "connected") return undefined;
  const ticking = setInterval(() => {
    if (nowMs.peek() !== undefined) nowMs.value = heard.nowMs + performance.now() - heard.atMs;
  }, tickMs);
  return () => clearInterval(ticking);
});
