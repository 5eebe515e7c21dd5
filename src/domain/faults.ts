/**
 * Ordered failures: which calls of a world meet one. What a fault then does to a call is the interceptor's
 * business (interceptors/inject-faults.ts). Chance comes from a seed and from a call's place among those that the
 * rule has seen, and from nothing else.
 */
import { create, type DescMethod } from "@bufbuild/protobuf";
import { codeFromString } from "@connectrpc/connect/protocol-connect";
import { isMeant, isRpcName } from "../api.ts";
import { errors } from "../errors.ts";
import { EventService, type WatchEventsResponse } from "../gen/gitpod/v1/event_pb.ts";
import { type Fault, FaultSchema } from "../gen/runnermock/v1/control_pb.ts";
import { canonical } from "../ids.ts";
import { shown } from "../shown.ts";
import type { Caller } from "./caller.ts";

/** A connection's own: whoever answers on it has no say in them, and HTTP/2 has none of them. */
const ofConnections = /^(connection|keep-alive|proxy-connection|te|transfer-encoding|upgrade)$/i;

/** Why no answer can have that header, if none can. */
function problemWithHeader(name: string, value: string): string | undefined {
  if (!/^[-!#$%&'*+.^`|~\w]+$/.test(name)) return `${shown(name)} is no name of a header`;
  if (ofConnections.test(name)) return `the header ${name} belongs to the connection`;
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value) ? undefined : `the header ${name} cannot be ${shown(value)}`;
}

/** What a rule can tell calls apart by. */
export interface FaultTarget {
  readonly method: DescMethod;
  /** The runners that the request names or that call. */
  readonly runnerIds: readonly string[];
  readonly callerId: string;
}

/** Sends an event to the watchers that match and are open now; says to how many. */
export type FeedWatchers = (event: WatchEventsResponse, accepts: (caller: Caller) => boolean) => number;

interface Rule {
  readonly fault: Fault;
  readonly draw: () => number;
}

export class Faults {
  readonly #rules = new Map<string, Rule>();
  readonly #feedWatchers: FeedWatchers;
  #injected = 0;
  #fired = 0;

  constructor(feedWatchers: FeedWatchers) {
    this.#feedWatchers = feedWatchers;
  }

  /** Whether there are any: most of the time there are none, and then nothing else has to be looked at. */
  get none(): boolean {
    return this.#rules.size === 0;
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

  /** The fault that this call meets: that of the first rule that fires. */
  meet(target: FaultTarget): Fault | undefined {
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
      return fault;
    }
    return undefined;
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
export function callerOf({ subject, runnerId = "" }: Caller): Pick<FaultTarget, "callerId" | "runnerIds"> {
  return { callerId: subject.id, runnerIds: [runnerId] };
}

function matches({ match }: Fault, { method, runnerIds, callerId }: FaultTarget): boolean {
  if (match === undefined) return true;
  const runnerMatches = match.runnerId === "" || runnerIds.includes(canonical(match.runnerId));
  return (
    isMeant(method, match.rpc) &&
    runnerMatches &&
    (match.callerId === "" || canonical(match.callerId) === callerId)
  );
}

/** Numbers from 0 to 1 that look drawn by chance and are the same for each seed (mulberry32). */
function chanceFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
