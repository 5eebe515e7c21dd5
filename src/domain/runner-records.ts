/**
 * The stored registrations, read and changed by the rules of the lease. What has lapsed is found only by those
 * who say that they want it, and what belongs to another organization not by those who call.
 */
import type { Clock } from "../clock.ts";
import { errors } from "../errors.ts";
import { RunnerSchema } from "../gen/gitpod/v1/runner_pb.ts";
import { canonical } from "../ids.ts";
import type { Actor, Collection, Store } from "../store/store.ts";
import type { Caller } from "./caller.ts";
import type { Lease, Registration, RegistrationDocument } from "./lease.ts";
import { type Cursor, filtered } from "./pagination.ts";
import { runnerEvent } from "./runner-events.ts";

type Changed = RegistrationDocument | undefined;
type Change = (document: RegistrationDocument, nowMs: number) => Changed | Promise<Changed>;

export class RunnerRecords {
  readonly clock: Clock;
  readonly lease: Lease;
  readonly #store: Store;
  readonly #documents: Collection<Registration>;

  constructor(clock: Clock, store: Store, lease: Lease, maxLapsed: number) {
    this.clock = clock;
    this.lease = lease;
    this.#store = store;
    this.#documents = store.collection("runners", {
      expire: lease.expire,
      event: runnerEvent,
      maxHidden: maxLapsed,
      messages: { runner: RunnerSchema },
    });
  }

  /** Keeps a new registration; its lease starts now. */
  async add(registration: Registration, by: Actor): Promise<void> {
    await this.#documents.put(this.lease.start(registration, this.clock.nowMs()), { by });
  }

  /** Keeps a registration as it was. @param leaseEndsAtMs undefined: a whole lease from now on */
  async restore(registration: Registration, leaseEndsAtMs: number | undefined): Promise<void> {
    const started = this.lease.start(registration, this.clock.nowMs());
    const expiresAtMs = this.lease.hasLease(started)
      ? (leaseEndsAtMs ?? started.expiresAtMs)
      : started.expiresAtMs;
    await this.#documents.put({ ...started, expiresAtMs });
  }

  /**
   * Ends the lease of a registration now.
   *
   * @throws failed_precondition for one without a lease
   */
  async lapse(runnerId: string): Promise<Changed> {
    const ended = await this.change(
      runnerId,
      (found, nowMs) => {
        const at = this.lease.end(found, nowMs);
        if (at === undefined) throw errors.noLease();
        return at;
      },
      undefined,
    );
    // Whoever looks first applies what follows.
    await this.findAny(runnerId);
    return ended;
  }

  /** Every registration, standing or lapsed, in the order in which they came. */
  all(): Promise<RegistrationDocument[]> {
    return this.#documents.all();
  }

  /** The registration, lapsed or not. */
  async findAny(runnerId: string): Promise<RegistrationDocument | undefined> {
    return this.#documents.get(canonical(runnerId));
  }

  /** The registration, if it stands. @param caller whose organization it has to belong to, if anybody's */
  async find(runnerId: string, caller?: Caller): Promise<RegistrationDocument | undefined> {
    const document = await this.findAny(runnerId);
    return document?.hidden || !isSeenBy(caller, document?.value) ? undefined : document;
  }

  /** Writes what `change` makes of the registration, if it stands and the caller, if anybody, may see it. */
  changeStanding(runnerId: string, change: Change, by: Actor, caller?: Caller): Promise<Changed> {
    return this.change(
      runnerId,
      (document, nowMs) =>
        document.hidden || !isSeenBy(caller, document.value) ? undefined : change(document, nowMs),
      by,
    );
  }

  /**
   * Writes what `change` makes of the registration, lapsed or not; if somebody else was faster, of the newer
   * one. Where `change` returns undefined or throws, everything stays as it was.
   */
  async change(runnerId: string, change: Change, by: Actor): Promise<Changed> {
    for (;;) {
      const document = await this.findAny(runnerId);
      if (document === undefined) return undefined;
      const changed = await change(document, this.clock.nowMs());
      if (changed === undefined || changed === document) return changed;
      if (await this.#documents.put(changed, { if: { unchanged: document }, by })) return changed;
    }
  }

  /** Removes the registration and all that belongs to it, or leaves it DELETING; its tokens go at once. */
  async remove(runnerId: string, by: Actor): Promise<void> {
    const left = await this.change(runnerId, (document, nowMs) => this.lease.delete(document, nowMs), by);
    if (left === undefined) await this.#documents.take(canonical(runnerId), by);
    else await this.#store.takeOwnedBy(left.id, by);
  }

  /** The standing registrations that the caller may see and `matches` accepts, in ascending order of their ids. */
  list(
    cursor: Cursor,
    caller: Caller,
    matches: (registration: Registration) => boolean,
  ): Promise<RegistrationDocument[]> {
    return filtered(
      cursor,
      (page) => this.#documents.list(page),
      ({ value }) => isSeenBy(caller, value) && matches(value),
    );
  }
}

function isSeenBy(caller: Caller | undefined, registration: Registration | undefined): boolean {
  return caller === undefined || registration?.organizationId === caller.organization.id;
}
