/**
 * Follows the world that is looked into: its runners and calls as streams, worlds and faults by asking. What fails is
 * tried again each second. A tab that nobody sees follows nothing, since a browser has few connections to an address.
 */
import { effect, signal, untracked } from "@preact/signals";
import { forgetCalls, hearCall, maxCalls } from "./calls.ts";
import { forgetClock, hearClock } from "./clock.ts";
import { connection, hearFailure, hearSuccess } from "./connection.ts";
import { bearer, control } from "./control.ts";
import { faults, readFaults } from "./faults.ts";
import { forgetRunners, runnersReader } from "./runners.ts";
import { readWorlds, world } from "./worlds.ts";

const retryMs = 1_000;
const pollMs = 1_000;
/** A server that says nothing for so long is lost: it speaks some times a second. */
const silenceMs = 5_000;

const visible = signal(!document.hidden);

export function follow(): void {
  document.addEventListener("visibilitychange", () => {
    visible.value = !document.hidden;
  });
  let followed: string | undefined;
  effect(() => {
    const name = world.value;
    if (!visible.value) return undefined;
    // Another bearer is another attempt.
    void bearer.value;
    const isOther = followed !== name;
    followed = name;
    return untracked(() => {
      if (isOther) forget();
      const abort = new AbortController();
      const { signal } = abort;
      void again(signal, () => followRunners(name, signal));
      void again(signal, () => followCalls(name, signal));
      void again(signal, () => poll(signal));
      return () => abort.abort();
    });
  });
}

function forget(): void {
  forgetClock();
  forgetRunners();
  forgetCalls();
  faults.value = [];
}

async function again(signal: AbortSignal, run: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    try {
      await run();
    } catch {
      // How the server is, the watch of its runners finds out.
    }
    // Once it asks for a token, another one leads to another attempt.
    if (connection.value === "locked") return;
    await pause(retryMs);
  }
}

async function followRunners(name: string, signal: AbortSignal): Promise<void> {
  const silence = new AbortController();
  let watchdog: ReturnType<typeof setTimeout> | undefined;
  const listen = () => {
    clearTimeout(watchdog);
    watchdog = setTimeout(() => silence.abort(), silenceMs);
  };
  try {
    listen();
    const read = runnersReader();
    const any = AbortSignal.any([signal, silence.signal]);
    for await (const response of control.watchRunners({ world: name }, { signal: any })) {
      listen();
      read(response);
      hearClock(response.clock);
      hearSuccess();
    }
    if (!signal.aborted) connection.value = "lost";
  } catch (error) {
    if (!signal.aborted) hearFailure(error);
  } finally {
    clearTimeout(watchdog);
  }
}

async function followCalls(name: string, signal: AbortSignal): Promise<void> {
  forgetCalls();
  for await (const { call } of control.watchCalls({ world: name, last: maxCalls, ends: true }, { signal }))
    if (call !== undefined) hearCall(call);
}

async function poll(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await Promise.all([readWorlds(signal), readFaults(signal)]);
    await pause(pollMs);
  }
}

function pause(forMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, forMs));
}
