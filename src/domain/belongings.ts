/**
 * What belongs to a runner besides itself, of one kind: it is kept with the runner's record, hidden while that has
 * lapsed, and goes with it. What becomes of it is told as an event.
 */
import type { DescMessage } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import type { Clock } from "../clock.ts";
import { errors } from "../errors.ts";
import { ResourceOperation, type ResourceType } from "../gen/gitpod/v1/event_pb.ts";
import type { ResourceEvent } from "../store/feed.ts";
import type { Actor, Collection, Document, Page, Store } from "../store/store.ts";
import type { Caller } from "./caller.ts";
import type { Registration, RegistrationDocument } from "./lease.ts";

export interface Belonging<T> {
  readonly value: T;
  /** That of its runner. */
  readonly organizationId: string;
  /** UUID of whoever made it. */
  readonly creatorId: string;
  /** When it was made or last changed. Absent: it was loaded as it is. */
  readonly writtenAtMs?: number;
}

export type BelongingDocument<T> = Document<Belonging<T>>;

export interface BelongingRules {
  /** What its documents are called in the store. */
  readonly collection: string;
  /** What its values are. */
  readonly desc: DescMessage;
  readonly resourceType: ResourceType;
  /** The UUID by which events name a document. Default: its id. */
  readonly resourceIdOf?: (id: string) => string;
  readonly notFound: () => ConnectError;
  /** For those that are not told apart by ids of their own alone. */
  readonly exists?: () => ConnectError;
}

export class Belongings<T> {
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #rules: BelongingRules;
  readonly #documents: Collection<Belonging<T>>;

  constructor(clock: Pick<Clock, "nowMs">, store: Store, rules: BelongingRules) {
    this.#clock = clock;
    this.#rules = rules;
    this.#documents = store.collection<Belonging<T>>(rules.collection, {
      event: (before, after) => eventOf(rules, before, after),
      messages: { value: rules.desc },
    });
  }

  get(id: string): Promise<BelongingDocument<T> | undefined> {
    return this.#documents.get(id);
  }

  /** Those of runners that stand, in ascending order of their ids. */
  list(page: Page): Promise<BelongingDocument<T>[]> {
    return this.#documents.list(page);
  }

  /** Those of a runner, standing or lapsed. */
  ofRunner(runnerId: string): Promise<BelongingDocument<T>[]> {
    return this.#documents.ownedBy(runnerId);
  }

  /** @throws already_exists for an id that there is, not_found where the runner has gone meanwhile */
  async add(id: string, value: T, runner: RegistrationDocument, { subject }: Caller): Promise<void> {
    const { organizationId } = runner.value;
    const writtenAtMs = this.#clock.nowMs();
    const kept = { value, organizationId, creatorId: subject.id, writtenAtMs };
    const document = { id, value: kept, owner: runner.id };
    if (await this.#documents.put(document, { if: "absent", by: subject })) return;
    throw ((await this.get(id)) && this.#rules.exists?.()) ?? errors.runnerNotFound();
  }

  /** Keeps it as it was. */
  async restore(id: string, value: T, { runner, organizationId }: Registration): Promise<void> {
    const creatorId = runner.creator?.id ?? "";
    await this.#documents.put({ id, value: { value, organizationId, creatorId }, owner: runner.runnerId });
  }

  /**
   * Writes what `change` makes of it; if somebody else was faster, of the newer one. Where that is the same, or
   * `change` throws, everything stays as it was.
   *
   * @throws not_found for an id that there is not
   */
  async change(id: string, change: (value: T) => T | Promise<T>, by: Actor): Promise<T> {
    for (;;) {
      const found = await this.get(id);
      if (found === undefined) throw this.#rules.notFound();
      const value = await change(found.value.value);
      if (value === found.value.value) return value;
      const changed = { ...found, value: { ...found.value, value, writtenAtMs: this.#clock.nowMs() } };
      if (await this.#documents.put(changed, { if: { unchanged: found }, by })) return value;
    }
  }

  /** @throws not_found for an id that there is not, or no longer */
  async remove(id: string, by: Actor): Promise<void> {
    if ((await this.#documents.take(id, by)) === undefined) throw this.#rules.notFound();
  }
}

function eventOf<T>(
  { resourceType, resourceIdOf = (id) => id }: BelongingRules,
  before: BelongingDocument<T> | undefined,
  after: BelongingDocument<T> | undefined,
): ResourceEvent | undefined {
  const document = after ?? before;
  if (document === undefined) return undefined;
  const { organizationId, creatorId } = document.value;
  const changed = after === undefined ? ResourceOperation.DELETE : ResourceOperation.UPDATE;
  return {
    operation: before === undefined ? ResourceOperation.CREATE : changed,
    resourceType,
    resourceId: resourceIdOf(document.id),
    creatorId,
    organizationId,
  };
}
