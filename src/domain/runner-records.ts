/**
 * The stored registrations, read and changed by the rules of the lease. What has lapsed is found only by those
 * who say that they want it.
 */
import type { Clock } from "../clock.ts";
import { canonical } from "../ids.ts";
import type { Collection, Store } from "../store/store.ts";
import type { Lease, Registration, RegistrationDocument } from "./lease.ts";
import type { Cursor } from "./pagination.ts";

/** How many records are read at a time when a list has to be filtered. */
const batchSize = 500;

type Change = (document: RegistrationDocument, nowMs: number) => RegistrationDocument | undefined;

export class RunnerRecords {
  readonly clock: Clock;
  readonly lease: Lease;
  readonly #store: Store;
  readonly #documents: Collection<Registration>;

  constructor(clock: Clock, store: Store, lease: Lease, maxLapsed: number) {
    this.clock = clock;
    this.lease = lease;
    this.#store = store;
    this.#documents = store.collection("runners", { expire: lease.expire, maxHidden: maxLapsed });
  }

  /** Keeps a new registration; its lease starts now. */
  async add(registration: Registration): Promise<void> {
    await this.#documents.put(this.lease.start(registration, this.clock.nowMs()));
  }

  /** The registration, lapsed or not. */
  async findAny(runnerId: string): Promise<RegistrationDocument | undefined> {
    return this.#documents.get(canonical(runnerId));
  }

  /** The registration, if it stands. */
  async find(runnerId: string): Promise<RegistrationDocument | undefined> {
    const document = await this.findAny(runnerId);
    return document?.hidden ? undefined : document;
  }

  /** Writes what `change` makes of the registration, if it stands. */
  changeStanding(runnerId: string, change: Change): Promise<RegistrationDocument | undefined> {
    return this.change(runnerId, (document, nowMs) =>
      document.hidden ? undefined : change(document, nowMs),
    );
  }

  /**
   * Writes what `change` makes of the registration, lapsed or not; if somebody else was faster, of the newer
   * one. Where `change` returns undefined or throws, everything stays as it was.
   */
  async change(runnerId: string, change: Change): Promise<RegistrationDocument | undefined> {
    for (;;) {
      const document = await this.findAny(runnerId);
      if (document === undefined) return undefined;
      const changed = change(document, this.clock.nowMs());
      if (changed === undefined || changed === document) return changed;
      if (await this.#documents.put(changed, { unchanged: document })) return changed;
    }
  }

  /** Removes the registration and all that belongs to it, or leaves it DELETING; its tokens go at once. */
  async remove(runnerId: string): Promise<void> {
    const left = await this.change(runnerId, (document, nowMs) => this.lease.delete(document, nowMs));
    if (left === undefined) await this.#documents.take(canonical(runnerId));
    else await this.#store.takeOwnedBy(left.id);
  }

  /** The standing registrations that `matches` accepts, in ascending order of their ids. */
  async list(
    { after, limit }: Cursor,
    matches: ((registration: Registration) => boolean) | undefined,
  ): Promise<RegistrationDocument[]> {
    if (matches === undefined) return this.#documents.list({ after, limit });
    const found: RegistrationDocument[] = [];
    for (let cursor = after; ; ) {
      const batch = await this.#documents.list({ after: cursor, limit: batchSize });
      for (const document of batch) {
        if (!matches(document.value)) continue;
        found.push(document);
        if (found.length === limit) return found;
      }
      if (batch.length < batchSize) return found;
      cursor = batch.at(-1)?.id;
    }
  }
}
