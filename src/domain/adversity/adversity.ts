/**
 * Unkindness from a seed. Whether a kind meets a call, and how, is drawn from the seed, the kind, the caller, the RPC and
 * the call's place among those that the caller makes of that RPC, and from nothing else: not from time, nor from what
 * other callers do. So the same calls meet the same, in every run and on every machine. A call that has its client call
 * once more leaves its place to that one: then what one kind does hangs little on which others there are. It is a source
 * of faults; what those do is theirs.
 */
import { create, type Message } from "@bufbuild/protobuf";
import { rpcOf } from "../../api.ts";
import { RunnerSchema } from "../../gen/gitpod/v1/runner_pb.ts";
import { type Fault, FaultSchema } from "../../gen/runnermock/v1/control_pb.ts";
import { chanceOf } from "../chance.ts";
import type { FaultSource, FaultTarget, Meeting } from "../faults.ts";
import type { AdversityKind, AdversitySettings } from "./kind.ts";
import { isRead, kindTable } from "./kinds.ts";

/** Beyond it the one that came first begins anew: callers must not fill the memory. */
const maxCallers = 10_000;

/** How many of those that a caller has created one after another can be missed. */
const maxFresh = 25;

interface CallerState {
  /** The same in each run. A runner's id is not: what stays is the order in which they call for the first time. */
  readonly name: string;
  readonly sequences: Map<string, Sequence>;
  /** UUIDs of what it has created since it last read something. */
  fresh: readonly string[];
}

/** The calls of one RPC by one caller. */
interface Sequence {
  /** That of the next call: how many there have been after which the client had nothing to do. */
  place: number;
  /** How many have been answered, whatever of it. */
  answered: number;
  /** Whether the last one has met what asks its client to do something: then the next one is spared. */
  asked: boolean;
}

export class Adversity implements FaultSource {
  readonly #settings: AdversitySettings;
  readonly #callers = new Map<string, CallerState>();
  #runners = 0;

  constructor(settings: AdversitySettings) {
    this.#settings = settings;
  }

  meet(target: FaultTarget): Meeting | undefined {
    const { seed, level, kinds } = this.#settings;
    const rpc = rpcOf(target.method);
    const caller = this.#callerOf(target);
    const sequence = sequenceOf(caller, rpc);
    const { place, asked: isSpared } = sequence;
    sequence.asked = false;
    const circumstances = { target, isFirst: sequence.answered === 0, fresh: caller.fresh };
    const met = new Map<AdversityKind, Fault>();
    for (const kind of kinds) {
      const { asks, meets, effect } = kindTable[kind];
      if ((asks !== "nothing" && (isSpared || sequence.asked)) || !meets(circumstances)) continue;
      const draw = chanceOf(`${seed} ${kind} ${caller.name} ${rpc} ${place}`);
      if (draw() >= level) continue;
      met.set(kind, create(FaultSchema, { effect: effect(draw, circumstances) }));
      if (asks !== "nothing") sequence.asked = true;
      // Nothing else can become of the call.
      if (asks === "another try") return meetingOf(seed, met);
    }
    sequence.answered++;
    if (!sequence.asked) sequence.place++;
    if (isRead(target)) caller.fresh = [];
    return met.size === 0 ? undefined : meetingOf(seed, met);
  }

  answered(target: FaultTarget, reply: Message): void {
    // A runner that creates itself again was there before.
    if (!target.method.name.startsWith("Create") || target.byRunner) return;
    const caller = this.#callerOf(target);
    caller.fresh = [...caller.fresh, ...idsIn(reply)].slice(-maxFresh);
  }

  #callerOf({ callerId, byRunner }: FaultTarget): CallerState {
    const known = this.#callers.get(callerId);
    if (known !== undefined) return known;
    const [first] = this.#callers.keys();
    if (first !== undefined && this.#callers.size >= maxCallers) this.#callers.delete(first);
    const name = byRunner ? `runner ${++this.#runners}` : callerId;
    const caller: CallerState = { name, sequences: new Map(), fresh: [] };
    this.#callers.set(callerId, caller);
    return caller;
  }
}

function sequenceOf({ sequences }: CallerState, rpc: string): Sequence {
  let sequence = sequences.get(rpc);
  if (sequence === undefined) {
    sequence = { place: 0, answered: 0, asked: false };
    sequences.set(rpc, sequence);
  }
  return sequence;
}

function meetingOf(seed: number, met: ReadonlyMap<AdversityKind, Fault>): Meeting {
  return { faults: [...met.values()], adversity: { seed, kinds: [...met.keys()] } };
}

/** The UUIDs of what a reply of a Create RPC says to have been created: it has them at its top, or one step below. */
function idsIn(reply: Message): string[] {
  return [reply, ...Object.values(reply)].flatMap((value) => {
    const { $typeName, runnerId, id } = (value ?? {}) as Partial<Record<string, string>>;
    return ($typeName === RunnerSchema.typeName ? runnerId : $typeName && id) || [];
  });
}
