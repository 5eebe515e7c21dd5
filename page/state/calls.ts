/** The newest calls of the world, the newest first. However many come, the list changes only some times a second. */
import { signal } from "@preact/signals";
import type { Call } from "../../src/gen/runnermock/v1/control_pb.ts";

/** How many are kept to look at. */
export const maxCalls = 2_000;

const flushMs = 200;

export const calls = signal<readonly Call[]>([]);

export function callById(callId: string): Call | undefined {
  return calls.value.find((call) => call.callId === callId);
}

/** Whether the list is held as it is, for somebody who reads it. */
export const held = signal(false);

/** How many have come since it was held. */
export const waiting = signal(0);

/** How many there have been in the world. */
export const heard = signal(0);

let pending: Call[] = [];
let isFlushDue = false;
let heardCount = 0;
let heardWhenHeld = 0;

export function hearCall(call: Call): void {
  pending.push(call);
  if (pending.length > maxCalls * 2) pending = pending.slice(-maxCalls);
  // Ids count the calls. A stream comes once more when it has ended.
  heardCount = Math.max(heardCount, Number(call.callId));
  if (!isFlushDue) setTimeout(flush, flushMs);
  isFlushDue = true;
}

function flush(): void {
  isFlushDue = false;
  heard.value = heardCount;
  if (held.value) {
    waiting.value = heardCount - heardWhenHeld;
    return;
  }
  // What comes once more keeps its place.
  const byId = new Map([...calls.value.toReversed(), ...pending].map((call) => [call.callId, call]));
  pending = [];
  calls.value = [...byId.values()].reverse().slice(0, maxCalls);
}

export function hold(isHeld: boolean): void {
  heardWhenHeld = heardCount;
  waiting.value = 0;
  held.value = isHeld;
  if (!isHeld) flush();
}

export function forgetCalls(): void {
  pending = [];
  heardCount = 0;
  hold(false);
  calls.value = [];
}
