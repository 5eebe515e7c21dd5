/** runnermock.v1.ControlService. */
import { create } from "@bufbuild/protobuf";
import { durationMs as msOf, timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import { checkState, completed, DocumentError, parseState, stateDocument } from "../documents.ts";
import type { AdversityKind } from "../domain/adversity/kind.ts";
import type { CallRecord } from "../domain/call-log.ts";
import { cursorOf, pageOfAll } from "../domain/pagination.ts";
import type { RunnerReport as DomainReport } from "../domain/runners.ts";
import { setFields } from "../domain/set-fields.ts";
import { type TokenFacts, wireKinds } from "../domain/tokens.ts";
import { errors } from "../errors.ts";
import {
  type ControlService,
  FaultSchema,
  TokenSchema,
  WorldSchema,
} from "../gen/runnermock/v1/control_pb.ts";
import type { RunnerReport } from "../gen/runnermock/v1/runner_pb.ts";
import { type State, StateSchema } from "../gen/runnermock/v1/state_pb.ts";
import { profiles, switchesOf } from "../profiles.ts";
import { defaultWorldName, type World } from "../world.ts";
import type { WorldOverrides } from "../worlds.ts";
import { callMatcher, defaultWaitMs, messageOf, waitForCalls } from "./calls.ts";
import { clockOf } from "./clock.ts";
import type { Control } from "./powers.ts";
import { watchRunners } from "./watch-runners.ts";

export function createControlService({ worlds, urlOf, state, host }: Control) {
  const named = (name: string) => worlds.get(name || defaultWorldName);
  return {
    async getClock({ world }) {
      return { clock: clockOf(await named(world)) };
    },

    async advanceClock({ world: name, by }) {
      const world = await named(name);
      await advance(world, by === undefined ? 0 : msOf(by));
      return { clock: clockOf(world) };
    },

    async freezeClock({ world: name }) {
      const world = await named(name);
      await world.clock.freeze();
      return { clock: clockOf(world) };
    },

    async resumeClock({ world: name }) {
      const world = await named(name);
      await world.clock.resume();
      return { clock: clockOf(world) };
    },

    watchRunners({ world: name }, { signal }) {
      return watchRunners(() => named(name), host, signal);
    },

    async renewRunner({ world, runnerId }) {
      const { runner, leaseEndsAtMs } = await (await named(world)).runners.renew(runnerId);
      return { runner, ...(leaseEndsAtMs !== undefined && { leaseEndsAt: timestampFromMs(leaseEndsAtMs) }) };
    },

    async lapseRunner({ world, runnerId }) {
      await (await named(world)).runners.lapse(runnerId);
      return {};
    },

    async reportRunnerStatus({ world, runnerId, report }) {
      const runner = await (await named(world)).runners.report(runnerId, reportOf(report));
      return { runner };
    },

    async listTokens({ world, runnerId, pagination: page }) {
      const { tokens } = await named(world);
      const { items, pagination } = await tokens.list(runnerId || undefined, cursorOf(page));
      return { tokens: items.map(tokenOf), pagination };
    },

    async expireToken({ world, token }) {
      await (await named(world)).tokens.end(token);
      return {};
    },

    async revokeToken({ world, token }) {
      await (await named(world)).tokens.end(token);
      return {};
    },

    async injectFault({ world, fault = create(FaultSchema) }) {
      return { fault: await (await named(world)).faults.inject(fault) };
    },

    async listFaults({ world }) {
      return { faults: (await named(world)).faults.list() };
    },

    async removeFault({ world, faultId }) {
      await (await named(world)).faults.remove(faultId);
      return {};
    },

    async clearFaults({ world }) {
      await (await named(world)).faults.clear();
      return {};
    },

    async startAdversity({ world, adversity: { seed, level, kinds = [] } = {} }) {
      const all = kinds.length === 0 ? undefined : (kinds as AdversityKind[]);
      const { kinds: started, ...rest } = await (await named(world)).startAdversity({
        seed,
        level,
        kinds: all,
      });
      return { adversity: { ...rest, kinds: [...started] } };
    },

    async stopAdversity({ world }) {
      await (await named(world)).faults.stopAdversity();
      return {};
    },

    async listCalls({ world, filter, pagination: page }) {
      const { items, pagination } = await (await named(world)).calls.list(
        cursorOf(page),
        callMatcher(filter),
      );
      return { calls: items.map(messageOf), pagination };
    },

    watchCalls({ world, filter, last, ends }, { signal }) {
      // Begun before the stream's headers go: the log is this process' own.
      const { calls } = worlds.known(world || defaultWorldName);
      return tellingOf(calls.watch(callMatcher(filter), signal, { last, ends }));
    },

    async waitForCalls({ world, filter, count, timeout }, { signal }) {
      const matches = callMatcher(filter);
      const timeoutMs = timeout === undefined ? defaultWaitMs : msOf(timeout);
      const { calls } = await named(world);
      const found = await waitForCalls(calls, matches, { count: count || 1, timeoutMs, host, signal });
      return { calls: found.map(messageOf) };
    },

    async clearCalls({ world }) {
      (await named(world)).calls.clear();
      return {};
    },

    async loadState({ world: name, source, add }) {
      const own =
        source.case === "document"
          ? await parsed(source.value)
          : await checked(source.value ?? create(StateSchema));
      if (add) await (await named(name)).state.add(own);
      else await worlds.reset(name || defaultWorldName, completed(own, state));
      return {};
    },

    async saveState({ world }) {
      const saved = await (await named(world)).state.save();
      return { state: saved, document: await stateDocument(saved) };
    },

    async reset({ world }) {
      await worlds.reset(world || defaultWorldName);
      return {};
    },

    async createWorld({ world: name, profile, state: own }) {
      const world = await worlds.create(name, {
        ...profileOverride(profile),
        ...(own !== undefined && { state: completed(await checked(own), state) }),
      });
      return { world: worldOf(world, 0) };
    },

    async listWorlds({ pagination: page }) {
      const { items, pagination } = await pageOfAll(
        cursorOf(page),
        await worlds.list(),
        ({ world }) => world.name,
      );
      return { worlds: items.map(({ item: { world, calls } }) => worldOf(world, calls)), pagination };
    },

    async deleteWorld({ world }) {
      await worlds.delete(world);
      return {};
    },
  } satisfies ServiceImpl<typeof ControlService>;

  function worldOf(world: World, callsUnderWay: number) {
    return create(WorldSchema, { name: world.name, url: urlOf(world), clock: clockOf(world), callsUnderWay });
  }
}

async function* tellingOf(records: AsyncIterable<CallRecord>) {
  for await (const record of records) yield { call: messageOf(record) };
}

async function advance({ clock }: World, byMs: number): Promise<void> {
  try {
    await clock.advance(byMs);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw errors.clockMovedWrongly({ reason: error.message });
  }
}

/** The fields that are set; a list that is empty says nothing. */
function reportOf(report: RunnerReport | undefined): DomainReport {
  const set = Object.entries(setFields(report ?? {}));
  return Object.fromEntries(set.filter(([, value]) => !(Array.isArray(value) && value.length === 0)));
}

function tokenOf({ tokenId, kind, runnerId, createdAtMs, expiresAtMs }: TokenFacts) {
  return create(TokenSchema, {
    tokenId,
    kind: wireKinds[kind],
    runnerId,
    createdAt: timestampFromMs(createdAtMs),
    ...(expiresAtMs !== undefined && { expiresAt: timestampFromMs(expiresAtMs) }),
  });
}

function profileOverride(name: string): WorldOverrides {
  if (name === "") return {};
  const profile = profiles.find((candidate) => candidate === name);
  if (profile === undefined) throw errors.unknownProfile({ profile: name, profiles: profiles.join(", ") });
  return { switches: switchesOf(profile) };
}

async function checked(state: State): Promise<State> {
  try {
    await checkState(state);
    return state;
  } catch (error) {
    throw refusalOf(error, "state");
  }
}

async function parsed(text: string): Promise<State> {
  try {
    return await parseState(text);
  } catch (error) {
    throw refusalOf(error, "document");
  }
}

function refusalOf(error: unknown, field: string): unknown {
  return error instanceof DocumentError
    ? errors.invalidDocument({ problem: error.message }, { field })
    : error;
}
