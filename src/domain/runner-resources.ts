/**
 * The life that all resources of a runner share: made on a runner that stands, found by an id of their own, listed page
 * by page, changed field by field, deleted. What is particular to a kind is said once, in its definition
 * (domain/configuration/).
 */
import { create, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import type { ConnectError } from "@connectrpc/connect";
import type { PaginationRequest } from "../gen/gitpod/v1/pagination_pb.ts";
import type { Runner } from "../gen/gitpod/v1/runner_pb.ts";
import { canonical, type Ids } from "../ids.ts";
import type { Switches } from "../profiles.ts";
import type { Page, Store } from "../store/store.ts";
import { type BelongingDocument, type BelongingRules, Belongings } from "./belongings.ts";
import type { Caller } from "./caller.ts";
import { Claims, type Name } from "./claims.ts";
import type { Registration, RegistrationDocument } from "./lease.ts";
import { cursorOf, filtered, pageOf } from "./pagination.ts";
import type { RunnerRecords } from "./runner-records.ts";
import type { Runners } from "./runners.ts";

export interface HasIds {
  readonly id: string;
  readonly runnerId: string;
}

/** Which resources of a kind are meant. */
export interface Selection<T> {
  /** Of these runners; none: of all. */
  readonly runnerIds?: readonly string[];
  /** Default: all. */
  readonly matches?: (resource: T, runner: Runner) => boolean;
}

/** What tells one kind of resource from the others. */
export interface ResourceKind<Desc extends DescMessage, New, Changes, T = MessageShape<Desc>>
  extends Omit<BelongingRules, "exists"> {
  readonly desc: Desc;
  /** What a request makes, but for its ids. @throws what the request is refused with */
  made(
    request: New,
    runner: Runner,
    caller: Caller,
  ): MessageInitShape<Desc> | Promise<MessageInitShape<Desc>>;
  /** The resource with what the request changes; the same one where it changes nothing. */
  changed(resource: T, request: Changes, runner: Runner): T | Promise<T>;
  /** What no two may have in common, if anything. */
  readonly unique?: { nameOf(resource: T): Name; readonly exists: () => ConnectError };
}

/** What all kinds need of their world. */
export interface ResourceSurroundings {
  readonly records: RunnerRecords;
  readonly runners: Runners;
  readonly store: Store;
  readonly ids: Ids;
  readonly switches: Pick<Switches, "unknownIds">;
}

interface Found<T> {
  readonly id: string;
  readonly document: BelongingDocument<T>;
  readonly runner: RegistrationDocument | undefined;
}

export class RunnerResources<
  Desc extends DescMessage,
  New extends { readonly runnerId: string },
  Changes,
  T extends HasIds & MessageShape<Desc> = HasIds & MessageShape<Desc>,
> {
  readonly #kind: ResourceKind<Desc, New, Changes>;
  readonly #surroundings: ResourceSurroundings;
  readonly #kept: Belongings<T>;
  readonly #names: Claims | undefined;

  constructor(kind: ResourceKind<Desc, New, Changes>, surroundings: ResourceSurroundings) {
    this.#kind = kind;
    this.#surroundings = surroundings;
    this.#kept = new Belongings(surroundings.records.clock, surroundings.store, kind);
    this.#names = kind.unique && new Claims(surroundings.store, kind.collection);
  }

  /** @throws not_found for an id that is unknown, or whose runner has lapsed */
  async get(id: string, caller: Caller): Promise<T> {
    const found = await this.#found(id, caller);
    return found?.document.value.value ?? this.#of({ id });
  }

  /** A page of those that are selected and that the caller may see, oldest first. */
  async list(selection: Selection<T>, page: PaginationRequest | undefined, caller: Caller) {
    const { runnerIds = [], matches = () => true } = selection;
    const ids = [...new Set(runnerIds.map(canonical))];
    const { items, pagination } = await pageOf(cursorOf(page), (cursor) =>
      filtered(
        cursor,
        (batch) => this.#batch(ids, batch, caller),
        ({ document, runner }) => runner !== undefined && matches(document.value.value, runner.value.runner),
      ),
    );
    return { items: items.map(({ document }) => document.value.value), pagination };
  }

  /** @throws not_found for an unknown runner, already_exists for a name that another one has */
  async create(request: New, caller: Caller): Promise<T> {
    const { runners, ids } = this.#surroundings;
    const runner = await runners.keeping(request.runnerId, caller);
    if (runner === undefined) return this.#of({ id: ids(), runnerId: request.runnerId });
    const made = await this.#kind.made(request, runner.value.runner, caller);
    const resource = this.#of({ ...made, id: ids(), runnerId: runner.id });
    await this.#named(resource, () => this.#kept.add(resource.id, resource, runner, caller));
    return resource;
  }

  /** @throws not_found for an id that is unknown, or whose runner has lapsed */
  async update(id: string, request: Changes, caller: Caller): Promise<void> {
    const found = await this.#found(id, caller);
    if (found?.runner === undefined) return;
    const { runner } = found.runner.value;
    const change = async (resource: T) => (await this.#kind.changed(resource, request, runner)) as T;
    await this.#kept.change(found.id, change, caller.subject);
  }

  /** @throws not_found for an id that is unknown, or whose runner has lapsed */
  async delete(id: string, caller: Caller): Promise<void> {
    const found = await this.#found(id, caller);
    if (found !== undefined) await this.#kept.remove(found.id, caller.subject);
  }

  /** Those whose names begin with these parts, if their runners stand. */
  async named(parts: Name): Promise<T[]> {
    const ids = (await this.#names?.under(parts)) ?? [];
    const documents = await Promise.all(ids.map((id) => this.#kept.get(id)));
    return documents.flatMap((document) => document?.value.value ?? []);
  }

  /** Those of a runner, standing or lapsed, oldest first. */
  async ofRunner(runnerId: string): Promise<T[]> {
    return (await this.#kept.ofRunner(runnerId)).map(({ value: { value } }) => value).sort(byId);
  }

  /** What a read answers that misses this one, if it was written after that moment. */
  async missed(id: string, sinceMs: number): Promise<ConnectError | undefined> {
    const { writtenAtMs = Number.NEGATIVE_INFINITY } = (await this.#kept.get(id))?.value ?? {};
    return writtenAtMs > sinceMs ? this.#kind.notFound() : undefined;
  }

  async has(id: string): Promise<boolean> {
    return (await this.#kept.get(canonical(id))) !== undefined;
  }

  /** Keeps them as they were, of the runner that they now are of; without an id one gets a new one. */
  async restore(registration: Registration, all: readonly T[]): Promise<void> {
    for (const saved of all) await this.#restore(registration, saved);
  }

  async #restore(registration: Registration, saved: T): Promise<void> {
    const { runnerId } = registration.runner;
    const id = canonical(saved.id) || this.#surroundings.ids();
    const resource = { ...saved, id, runnerId };
    await this.#named(resource, () => this.#kept.restore(id, resource, registration));
  }

  /** Brings a resource into being, if its name is free. */
  async #named(resource: T, add: () => Promise<void>): Promise<void> {
    const { unique } = this.#kind;
    if (unique === undefined || this.#names === undefined) return add();
    const name = unique.nameOf(resource);
    if (!(await this.#names.take(name, resource.id))) throw unique.exists();
    try {
      await add();
    } catch (error) {
      await this.#names.release(name);
      throw error;
    }
    await this.#names.keep(name, resource.id);
  }

  #of(init: object): T {
    return create(this.#kind.desc, init as MessageInitShape<Desc>) as T;
  }

  /** Undefined: unknown, where unknown ids read as empty. */
  async #found(sent: string, caller: Caller): Promise<Found<T> | undefined> {
    const document = await this.#kept.get(canonical(sent));
    const found = document && (await this.#joined(document, caller));
    if (found?.runner !== undefined) return found;
    if (this.#surroundings.switches.unknownIds === "not-found") throw this.#kind.notFound();
    return undefined;
  }

  async #batch(runnerIds: readonly string[], page: Page, caller: Caller): Promise<Found<T>[]> {
    const documents = await (runnerIds.length === 0
      ? this.#kept.list(page)
      : this.#listOfRunners(runnerIds, page));
    return Promise.all(documents.map((document) => this.#joined(document, caller)));
  }

  async #listOfRunners(runnerIds: readonly string[], { after = "", limit }: Page) {
    const documents = await Promise.all(runnerIds.map((runnerId) => this.#kept.ofRunner(runnerId)));
    return documents
      .flat()
      .filter(({ id }) => id > after)
      .sort(byId)
      .slice(0, limit);
  }

  /** With its runner, if that stands and the caller may see it. */
  async #joined(document: BelongingDocument<T>, caller: Caller): Promise<Found<T>> {
    const { runnerId } = document.value.value;
    return { id: document.id, document, runner: await this.#surroundings.records.find(runnerId, caller) };
  }
}

const byId = (one: { readonly id: string }, other: { readonly id: string }) => (one.id < other.id ? -1 : 1);
