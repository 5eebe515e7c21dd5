/**
 * What can be done to the worlds of a mock, in process, beyond what its API's clients can. The control service has
 * the same powers over the wire.
 */
import { create, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import type { HostTime, MovableClock } from "../clock.ts";
import { completed, readOwnState } from "../documents.ts";
import type { AdversityInit, AdversitySettings } from "../domain/adversity/kind.ts";
import type { CallLog } from "../domain/call-log.ts";
import type { Runners } from "../domain/runners.ts";
import type { Tokens } from "../domain/tokens.ts";
import { type Duration, durationMs } from "../duration.ts";
import { type Call, CallFilterSchema, type Fault, FaultSchema } from "../gen/runnermock/v1/control_pb.ts";
import { type State, type StateJson, StateSchema } from "../gen/runnermock/v1/state_pb.ts";
import { type Profile, profiles, type Switches, switchesOf } from "../profiles.ts";
import type { World } from "../world.ts";
import type { WorldOverrides, Worlds } from "../worlds.ts";
import { callMatcher, defaultWaitMs, messageOf, waitForCalls } from "./calls.ts";

/** What power over worlds hangs on. */
export interface Control {
  readonly worlds: Worlds;
  /** The base URL of a world's API. */
  readonly urlOf: (world: World) => string;
  /** What worlds know where they are not told otherwise. */
  readonly state: State;
  /** The machine's time, in which calls are waited for. */
  readonly host: HostTime;
  /** A way to a world's API in the same process. */
  readonly transport: (world: string, bearer: string | undefined) => Transport;
}

/** What can be done to one world: to the one that has the name now. After a reset that is another one. */
export interface WorldPowers {
  readonly name: string;
  /** The base URL of its API. */
  readonly url: string;
  readonly clock: Pick<MovableClock, "advance" | "freeze" | "resume" | "frozen" | "nowMs">;
  readonly runners: Pick<Runners, "report" | "renew" | "lapse">;
  readonly tokens: Pick<Tokens, "list" | "end">;
  readonly calls: CallsPowers;
  readonly faults: FaultsPowers;
  readonly adversity: AdversityPowers;
  readonly state: StatePowers;
  /**
   * A Connect transport straight to the API's handlers, through everything that a call over the wire passes through
   * but HTTP: no socket, no JSON.
   *
   * @param bearer what its calls bear; default: nothing
   */
  transport(options?: { readonly bearer?: string }): Transport;
  /** Puts a fresh world in its place, with the same settings, in constant time. */
  reset(): Promise<void>;
}

/** Which calls are meant: those that agree with everything that is set. */
export type WhichCalls = Omit<MessageInitShape<typeof CallFilterSchema>, "$typeName" | "$unknown">;

/** The calls that a world's API has answered: the newest, up to a bound. Secrets are not in them. */
export interface CallsPowers {
  /** The oldest first. @throws ConnectError invalid_argument for an RPC or a code that there is not */
  list(which?: WhichCalls): Call[];
  /**
   * Resolves once there have been as many calls, counting those that there were before. A stream counts from its
   * beginning.
   *
   * @param wait count: default 1; timeout, in the machine's time: default 5 s
   * @throws ConnectError deadline_exceeded where there were fewer in time, invalid_argument as for list
   */
  waitFor(
    which?: WhichCalls,
    wait?: { readonly count?: number; readonly timeout?: Duration },
  ): Promise<Call[]>;
  clear(): void;
}

/** Ordered failures: what `Fault` in proto/runnermock/v1/control.proto says. */
export interface FaultsPowers {
  /** From now on, until it is over or removed. @throws ConnectError invalid_argument */
  inject(fault: MessageInitShape<typeof FaultSchema>): Promise<Fault>;
  list(): Promise<Fault[]>;
  /** @throws ConnectError not_found */
  remove(faultId: string): Promise<void>;
  clear(): Promise<void>;
}

/** Unkindness within what the API allows, from a seed: docs/adversity.md says what there is. */
export interface AdversityPowers {
  /** What is going on; undefined: nothing. */
  readonly settings: AdversitySettings | undefined;
  /**
   * From now on, in the place of any of before.
   *
   * @param init seed: default: drawn; level: default: 0.2; kinds: default: all
   * @returns what it has come to
   * @throws ConnectError invalid_argument
   */
  start(init?: AdversityInit): Promise<AdversitySettings>;
  stop(): Promise<void>;
}

/** What a world knows, as a state document: proto/runnermock/v1/state.proto says what that can be. */
export interface StatePowers {
  save(): Promise<StateJson>;
  /**
   * Loads a document, or the file of that path, in the place of what the world knows, or on top of it.
   *
   * @throws DocumentError for a document that is not valid, ConnectError already_exists for a runner that is there;
   * nothing is loaded then
   */
  load(document: StateJson | string, how?: { readonly add?: boolean }): Promise<void>;
}

/** How a world is made that is not as the server's others. */
export interface NewWorld {
  /** Default: the server's switches. */
  readonly profile?: Profile;
  /** On top of the profile. */
  readonly switches?: Partial<Switches>;
}

export interface WorldsPowers {
  /** @throws ConnectError not_found where there is none of that name, as far as this process knows */
  get(name: string): WorldPowers;
  create(name: string, options?: NewWorld): Promise<WorldPowers>;
  /** Those that this process knows: in a shared store there may be others. */
  list(): WorldPowers[];
  delete(name: string): Promise<void>;
}

export function worldPowers({ worlds, urlOf, host, state, transport }: Control, name: string): WorldPowers {
  const current = () => worlds.known(name);
  const renewed = () => worlds.get(name);
  return {
    name,
    get url() {
      return urlOf(current());
    },
    get clock() {
      return current().clock;
    },
    runners: {
      report: async (...args) => (await renewed()).runners.report(...args),
      renew: async (...args) => (await renewed()).runners.renew(...args),
      lapse: async (...args) => (await renewed()).runners.lapse(...args),
    },
    tokens: {
      list: async (...args) => (await renewed()).tokens.list(...args),
      end: async (...args) => (await renewed()).tokens.end(...args),
    },
    calls: callsPowers(() => current().calls, host),
    faults: {
      inject: async (fault) => (await renewed()).faults.inject(create(FaultSchema, fault)),
      list: async () => (await renewed()).faults.list(),
      remove: async (faultId) => (await renewed()).faults.remove(faultId),
      clear: async () => (await renewed()).faults.clear(),
    },
    adversity: {
      get settings() {
        return current().faults.adversity;
      },
      start: async (init) => (await renewed()).startAdversity(init),
      stop: async () => (await renewed()).faults.stopAdversity(),
    },
    state: {
      save: async () => toJson(StateSchema, await (await renewed()).state.save()),
      async load(document, { add = false } = {}) {
        if (add) await (await renewed()).state.add(await readOwnState(document));
        else await worlds.reset(name, completed(await readOwnState(document), state));
      },
    },
    transport: ({ bearer } = {}) => transport(name, bearer),
    async reset() {
      await worlds.reset(name);
    },
  };
}

function callsPowers(current: () => CallLog, host: HostTime): CallsPowers {
  const matcher = (which: WhichCalls) => callMatcher(create(CallFilterSchema, which));
  return {
    list: (which = {}) => current().matching(matcher(which)).map(messageOf),
    async waitFor(which = {}, { count = 1, timeout = defaultWaitMs } = {}) {
      const wait = { count, timeoutMs: durationMs(timeout), host };
      return (await waitForCalls(current(), matcher(which), wait)).map(messageOf);
    },
    clear: () => current().clear(),
  };
}

export function worldsPowers(control: Control): WorldsPowers {
  const { worlds } = control;
  const powers = (name: string) => worldPowers(control, name);
  return {
    get: (name) => powers(worlds.known(name).name),
    async create(name, options = {}) {
      await worlds.create(name, overridesOf(options));
      return powers(name);
    },
    list: () => worlds.all().map(({ world }) => powers(world.name)),
    delete: (name) => worlds.delete(name),
  };
}

function overridesOf({ profile, switches }: NewWorld): WorldOverrides {
  if (profile === undefined && switches === undefined) return {};
  return { switches: switchesOf(profile ?? profiles[0], switches) };
}
