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
import type { AdversityKind, AdversitySettings } from "./adversity/kind.ts";
import type { CallProtocol } from "./call-log.ts";
import type { Caller } from "./caller.ts";
import { chanceFrom, type Draw } from "./chance.ts";

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
  readonly settings: AdversitySettings;
  meet(target: FaultTarget): Meeting | undefined;
  /** Hears what has been answered to each call that did not fail. */
  answered(target: FaultTarget, reply: Message): void;
}

/** Sends an event to the watchers that match and are open now; says to how many. */
export type FeedWatchers = (event: WatchEventsResponse, accepts: (caller: Caller) => boolean) => number;

interface Rule {
  readonly fault: Fault;
  readonly draw: Draw;
}

export class Faults {
  /** Undefined: there is none. */
  adversity: FaultSource | undefined;
  readonly #rules = new Map<string, Rule>();
  readonly #feedWatchers: FeedWatchers;
  #injected = 0;
  #fired = 0;

  constructor(feedWatchers: FeedWatchers) {
    this.#feedWatchers = feedWatchers;
  }

  /** Whether there are any: most of the time there are none, and then nothing else has to be looked at. */
  get none(): boolean {
    return this.#rules.size === 0 && this.adversity === undefined;
  }

  /** How often any has fired. */
  get fired(): number {
    return this.#fired;
  }

  /** @throws invalid_argument for a fault that could never fire, or would do nothing */
  inject(init: Fault): Fault {
    const { match } = init;
    const { probability = 1, seed = 0, rpc = "" } = match ?? {};
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
    const faultId = `fault-${++this.#injected}`;
    const fault = create(FaultSchema, { ...init, faultId, seen: 0, fired: 0 });
    if (fault.effect.case === "feedStream") this.#feed(fault, fault.effect.value.event);
    else this.#rules.set(faultId, { fault, draw: chanceFrom(seed) });
    return { ...fault };
  }

  /** In the order in which they were injected. */
  list(): Fault[] {
    return [...this.#rules.values()].map(({ fault }) => ({ ...fault }));
  }

  /** @throws not_found */
  remove(faultId: string): void {
    if (!this.#rules.delete(faultId)) throw errors.faultNotFound({ faultId });
  }

  clear(): void {
    this.#rules.clear();
  }

  /** What this call meets: the fault of the first rule that fires, or else what adversity has for it. */
  meet(target: FaultTarget): Meeting | undefined {
    for (const [faultId, { fault, draw }] of this.#rules) {
      if (!matches(fault, target)) continue;
      fault.seen++;
      const { nth = 0, count = 0, probability = 1 } = fault.match ?? {};
      // Drawn for each call, so that where it fires hangs on nothing but the seed.
      const lucky = draw() >= probability;
      if (lucky || fault.seen < nth) continue;
      fault.fired++;
      this.#fired++;
      if (count > 0 && fault.fired >= count) this.#rules.delete(faultId);
      return { faults: [fault], faultId };
    }
    const meeting = this.adversity?.meet(target);
    this.#fired += meeting?.faults.length ?? 0;
    return meeting;
  }

  #feed(fault: Fault, event: WatchEventsResponse | undefined): void {
    if (event === undefined) return;
    fault.fired = this.#feedWatchers(event, (caller) =>
      matches(fault, { method: EventService.method.watchEvents, ...callerOf(caller) }),
    );
    fault.seen = fault.fired;
    this.#fired += fault.fired;
  }
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
