/**
 * Ordered failures: which calls of a world meet one, by a rule that somebody has injected, or else by adversity. What a
 * fault then does to a call is the interceptors' business (interceptors/faults/). Chance comes from a seed and
 * from a call's place among those that the rule has seen, and from nothing else.
 */
import { create, type DescMethod, type Message } from "@bufbuild/protobuf";
import { codeFromString } from "@connectrpc/connect/protocol-connect";
import { isMeant, isRpcName } from "../api.ts";
import { errors } from "../errors.ts";
import { EventService, type WatchEventsResponse } from "../gen/gitpod/v1/event_pb.ts";
import { type Fault, FaultSchema } from "../gen/runnermock/v1/control_pb.ts";
import { canonical } from "../ids.ts";
import { shown } from "../shown.ts";
import type { Collection, Store } from "../store/store.ts";
import type { AdversityKind, AdversitySettings } from "./adversity/kind.ts";
import type { CallProtocol } from "./call-log.ts";
import type { Caller } from "./caller.ts";
import { chanceFrom } from "./chance.ts";

/** A connection's own: whoever answers on it has no say in them, and HTTP/2 has none of them. */
const ofConnections = /^(connection|keep-alive|proxy-connection|te|transfer-encoding|upgrade)$/i;

/** Why no answer can have that header, if none can. */
function problemWithHeader(name: string, value: string): string | undefined {
  if (!/^[-!#$%&'*+.^`|~\w]+$/.test(name)) return `${shown(name)} is no name of a header`;
  if (ofConnections.test(name)) return `the header ${name} belongs to the connection`;
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value) ? undefined : `the header ${name} cannot be ${shown(value)}`;
}

/** What a rule can tell calls apart by. */
export interface RuleTarget {
  readonly method: DescMethod;
  /** The runners that the request names or that call. */
  readonly runnerIds: readonly string[];
  readonly callerId: string;
}

/** A call, and how it came: what can be done to it hangs on that. */
export interface FaultTarget extends RuleTarget {
  /** Whether it bears a runner's own token. */
  readonly byRunner: boolean;
  readonly protocol: CallProtocol;
  /** Whether its reply is written as JSON. */
  readonly json: boolean;
  /** Its own URL, as its answer can refer to it; undefined where there is none. */
  readonly self: string | undefined;
}

/** What a call meets. */
export interface Meeting {
  /** In the order in which they apply. */
  readonly faults: readonly Fault[];
  /** Of the rule that it comes from; undefined: of none. */
  readonly faultId?: string;
  /** Where it comes from adversity. */
  readonly adversity?: Touch;
}

/** What adversity did to a call. */
export interface Touch {
  readonly seed: number;
  readonly kinds: readonly AdversityKind[];
}

/** Decides what meets the calls that no rule meets. */
export interface FaultSource {
  meet(target: FaultTarget): Meeting | undefined;
  /** Hears what has been answered to each call that did not fail. */
  answered(target: FaultTarget, reply: Message): void;
}

/** Sends an event to the watchers that match and are open now; says to how many. */
export type FeedWatchers = (event: WatchEventsResponse, accepts: (caller: Caller) => boolean) => number;

interface Rule {
  readonly fault: Fault;
}

/** What has been counted of all faults that there ever were. */
interface Totals {
  readonly injected: number;
  readonly fired: number;
}

const totalsId = "all";
const adversityId = "only";
const nothingCounted: Totals = { injected: 0, fired: 0 };

export class Faults {
  /** In the order in which they were injected. */
  readonly #rules: Collection<Rule>;
  readonly #totals: Collection<Totals>;
  readonly #adversity: Collection<AdversitySettings>;
  readonly #feedWatchers: FeedWatchers;
  readonly #sourceOf: (settings: AdversitySettings) => Promise<FaultSource>;
  /** What adversity is drawn by here: callers are counted by each process for itself. */
  #drawn: { readonly from: AdversitySettings; readonly source: FaultSource } | undefined;

  /** @param sourceOf what decides in adversity */
  constructor(
    store: Store,
    feedWatchers: FeedWatchers,
    sourceOf: (settings: AdversitySettings) => Promise<FaultSource>,
  ) {
    this.#rules = store.collection<Rule>("faults", { messages: { fault: FaultSchema }, mirrored: true });
    this.#totals = store.collection("fault-totals", { listed: false });
    this.#adversity = store.collection<AdversitySettings>("adversity", { mirrored: true });
    this.#feedWatchers = feedWatchers;
    this.#sourceOf = sourceOf;
  }

  /** Whether there are any: most of the time there are none, and then nothing else has to be looked at. */
  get none(): boolean {
    return this.#rules.mirror().length === 0 && this.adversity === undefined;
  }

  /** How often any has fired. */
  async fired(): Promise<number> {
    return ((await this.#totals.get(totalsId))?.value ?? nothingCounted).fired;
  }

  /** @throws invalid_argument for a fault that could never fire, or would do nothing */
  async inject(init: Fault): Promise<Fault> {
    const { match } = init;
    const { probability = 1, rpc = "" } = match ?? {};
    if (rpc !== "" && !isRpcName(rpc))
      throw errors.invalidFault({ problem: `there is no RPC ${shown(rpc)}` });
    if (!(probability > 0 && probability <= 1)) {
      throw errors.invalidFault({ problem: `probability ${probability} is not above 0 and up to 1` });
    }
    const { effect, delay } = init;
    if (effect.case === undefined && delay === undefined) {
      throw errors.invalidFault({ problem: "it has neither an effect nor a delay" });
    }
    const failure =
      effect.case === "cutStream" ? effect.value.error : effect.case === "error" ? effect.value : undefined;
    if (failure !== undefined && codeFromString(failure.code) === undefined) {
      throw errors.invalidFault({ problem: `${shown(failure.code)} is no code such as "unavailable"` });
    }
    const location = effect.case === "redirect" ? { location: effect.value.location } : {};
    for (const [name, value] of Object.entries({ ...failure?.headers, ...location })) {
      const problem = problemWithHeader(name, value);
      if (problem !== undefined) throw errors.invalidFault({ problem });
    }
    const { injected } = await this.#count({ injected: 1, fired: 0 });
    const fault = create(FaultSchema, { ...init, faultId: `${idPrefix}${injected}`, seen: 0, fired: 0 });
    if (fault.effect.case === "feedStream") return this.#feed(fault, fault.effect.value.event);
    await this.#rules.put({ id: keyOf(fault.faultId), value: { fault } });
    return { ...fault };
  }

  /** In the order in which they were injected. */
  list(): Fault[] {
    return this.#rules.mirror().map(({ value }) => ({ ...value.fault }));
  }

  /** @throws not_found */
  async remove(faultId: string): Promise<void> {
    if ((await this.#rules.take(keyOf(faultId))) === undefined) throw errors.faultNotFound({ faultId });
  }

  async clear(): Promise<void> {
    for (const { id } of await this.#rules.all()) await this.#rules.take(id);
  }

  /** What is going on; undefined: nothing. */
  get adversity(): AdversitySettings | undefined {
    return this.#adversity.mirror()[0]?.value;
  }

  /** Is unkind to callers from now on, in the place of any adversity of before. */
  async startAdversity(settings: AdversitySettings): Promise<void> {
    await this.#adversity.put({ id: adversityId, value: { ...settings } });
  }

  /** Is kind to them again. */
  async stopAdversity(): Promise<void> {
    await this.#adversity.take(adversityId);
  }

  /** What this call meets: the fault of the first rule that fires, or else what adversity has for it. */
  async meet(target: FaultTarget): Promise<Meeting | undefined> {
    for (const { id, value } of this.#rules.mirror()) {
      const fault = matches(value.fault, target) ? await this.#see(id) : undefined;
      if (fault !== undefined) return { faults: [fault], faultId: fault.faultId };
    }
    const meeting = (await this.#source())?.meet(target);
    if (meeting !== undefined) await this.#count({ injected: 0, fired: meeting.faults.length });
    return meeting;
  }

  /** Hears what has been answered to a call that did not fail. */
  answered(target: FaultTarget, reply: Message): void {
    if (this.adversity !== undefined) this.#drawn?.source.answered(target, reply);
  }

  async #source(): Promise<FaultSource | undefined> {
    const settings = this.adversity;
    if (settings === undefined) return undefined;
    if (this.#drawn?.from !== settings) {
      const source = await this.#sourceOf(settings);
      // Others may have waited for it, too.
      if (this.#drawn?.from !== settings) this.#drawn = { from: settings, source };
    }
    return this.#drawn.source;
  }

  /** Counts a call that a rule matches. @returns the fault, if it fires */
  async #see(id: string): Promise<Fault | undefined> {
    for (;;) {
      const found = await this.#rules.get(id);
      if (found === undefined || isOver(found.value.fault)) return undefined;
      const { fault } = found.value;
      const { nth = 0, probability = 1, seed = 0 } = fault.match ?? {};
      const seen = fault.seen + 1;
      // Drawn for each call, so that where it fires hangs on nothing but the seed.
      const fires = chanceFrom(seed, fault.seen)() < probability && seen >= nth;
      const counted = { ...fault, seen, fired: fault.fired + (fires ? 1 : 0) };
      const changed = { ...found, value: { fault: counted } };
      if (!(await this.#rules.put(changed, { if: { unchanged: found } }))) continue;
      if (!fires) return undefined;
      if (isOver(counted)) await this.#rules.take(id);
      await this.#count({ injected: 0, fired: 1 });
      return counted;
    }
  }

  async #feed(fault: Fault, event: WatchEventsResponse | undefined): Promise<Fault> {
    if (event === undefined) return fault;
    const fired = this.#feedWatchers(event, (caller) =>
      matches(fault, { method: EventService.method.watchEvents, ...callerOf(caller) }),
    );
    await this.#count({ injected: 0, fired });
    return { ...fault, fired, seen: fired };
  }

  /** @returns what it comes to */
  async #count(more: Totals): Promise<Totals> {
    for (;;) {
      const found = await this.#totals.get(totalsId);
      const { injected, fired } = found?.value ?? nothingCounted;
      const value = { injected: injected + more.injected, fired: fired + more.fired };
      const condition = found === undefined ? "absent" : { unchanged: found };
      if (await this.#totals.put({ id: totalsId, value }, { if: condition })) return value;
    }
  }
}

const idPrefix = "fault-";

/** Faults stand in the order of their numbers. */
function keyOf(faultId: string): string {
  return faultId.startsWith(idPrefix) ? faultId.slice(idPrefix.length).padStart(12, "0") : faultId;
}

function isOver({ match, fired }: Fault): boolean {
  const { count = 0 } = match ?? {};
  return count > 0 && fired >= count;
}

/** What tells a caller of a request that names no runner. */
function callerOf({ subject, runnerId = "" }: Caller): Omit<RuleTarget, "method"> {
  return { callerId: subject.id, runnerIds: [runnerId] };
}

function matches({ match }: Fault, { method, runnerIds, callerId }: RuleTarget): boolean {
  if (match === undefined) return true;
  const runnerMatches = match.runnerId === "" || runnerIds.includes(canonical(match.runnerId));
  return (
    isMeant(method, match.rpc) &&
    runnerMatches &&
    (match.callerId === "" || canonical(match.callerId) === callerId)
  );
}
