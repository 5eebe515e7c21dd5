/** Parts of a mock, for tests that look at one on its own. */
import type { HostTime, Timers } from "../../src/clock.ts";
import { readState } from "../../src/documents.ts";
import { defaultOrganizationId, defaultSubject } from "../../src/domain/identity.ts";
import { createIds } from "../../src/ids.ts";
import { type RunnerMockOptions, settingsOf } from "../../src/options.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { WorldSettings } from "../../src/world.ts";
import { countingRandom, startMs, stillTime } from "./mock.ts";

/** @param maxFeedEntries how many its feed keeps */
export function memoryStore(clock: Timers, maxFeedEntries = 10): MemoryStore {
  return new MemoryStore(clock, createIds(clock, countingRandom()), maxFeedEntries);
}

/** A machine whose time passes without waking anybody. */
export function quietTime(): HostTime & { pass(ms: number): void } {
  let nowMs = startMs;
  return {
    ...stillTime,
    nowMs: () => nowMs,
    pass(ms) {
      nowMs += ms;
    },
  };
}

export async function worldSettings(options: RunnerMockOptions = {}): Promise<WorldSettings> {
  const state = await readState(undefined);
  return { ...settingsOf(options).world, state, organizationIds: [defaultOrganizationId] };
}

/** The caller who shows no token. */
export const anybody = {
  subject: defaultSubject,
  organization: { id: defaultOrganizationId, tier: "enterprise" },
};
