/** Parts of a mock, for tests that look at one on its own. */
import type { Clock } from "../../src/clock.ts";
import { readState } from "../../src/documents.ts";
import { defaultOrganizationId, defaultSubject } from "../../src/domain/identity.ts";
import { createIds } from "../../src/ids.ts";
import { type RunnerMockOptions, settingsOf } from "../../src/options.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { WorldSettings } from "../../src/world.ts";
import { countingRandom } from "./mock.ts";

/** A store whose feed keeps ten entries. */
export function memoryStore(clock: Clock): MemoryStore {
  return new MemoryStore(clock, createIds(clock, countingRandom()), 10);
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
