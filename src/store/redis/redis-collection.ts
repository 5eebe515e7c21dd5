/** A collection of documents in an engine that several processes share. */
import type { Actor, Collection, CollectionRules, Document, Page, Write } from "../store.ts";
import { type Codec, writtenEvent } from "./codec.ts";
import {
  listScript,
  readScript,
  removeScript,
  type Script,
  scanScript,
  takeScript,
  writeScript,
} from "./scripts.ts";

/** A document as scripts show it: id, version, expires, owner, hidden, value. */
export type Shown = readonly [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];

/** When a change happens, and who makes it. */
export interface Change {
  readonly atMs: number;
  readonly by: Actor;
}

type Argument = string | number | Buffer;

/** What a collection needs of its store. */
export interface CollectionHome {
  nowMs(): number;
  /** The names of all collections, a line each. */
  readonly names: string;
  /** Which version of itself a document is that was read or written here. */
  readonly versions: WeakMap<Document<unknown>, string>;
  run(script: Script, args: readonly Argument[]): Promise<unknown>;
  /** Runs a script that changes documents. */
  change(script: Script, change: Change, args: readonly Argument[]): Promise<unknown>;
  /** What belongs to an owner at a moment. @param name of the collection; empty: all, by their names */
  ownedBy(owner: string, name: string, nowMs: number): Promise<Map<string, Document<unknown>[]>>;
  /** Reads what is mirrored anew. */
  renewMirrors(): Promise<void>;
}

/** How many documents of a list are asked for at once. */
const maxPage = 500;

/** How many documents of a collection are kept as they were read, so that they need not be read again. */
const maxKnown = 10_000;

export class RedisCollection<T> implements Collection<T> {
  readonly #name: string;
  readonly #rules: CollectionRules<T>;
  readonly #codec: Codec<T>;
  readonly #store: CollectionHome;
  /** What was read lately: a version never changes. */
  readonly #known = new Map<string, { readonly version: string; readonly document: Document<T> }>();
  #mirror: readonly Document<T>[] = [];

  constructor(name: string, rules: CollectionRules<T>, codec: Codec<T>, store: CollectionHome) {
    this.#name = name;
    this.#rules = rules;
    this.#codec = codec;
    this.#store = store;
  }

  async get(id: string): Promise<Document<T> | undefined> {
    const nowMs = this.#store.nowMs();
    return this.settled(await this.#find(id), nowMs);
  }

  async put(document: Document<T>, { if: condition, by }: Write<T> = {}): Promise<boolean> {
    const atMs = this.#store.nowMs();
    const read = typeof condition === "object" ? condition.unchanged : undefined;
    if (read && (await this.settled(read, atMs)) !== read) return false;
    let current = read;
    for (;;) {
      const outcome = await this.#write(document, current, { atMs, by });
      if (typeof outcome === "boolean") return outcome;
      if (read !== undefined) return false;
      current = await this.settled(outcome.instead, atMs);
      if (condition === "absent" && current !== undefined) return false;
    }
  }

  async take(id: string, by?: Actor): Promise<Document<T> | undefined> {
    const atMs = this.#store.nowMs();
    for (;;) {
      const reply = await this.#store.change(takeScript, { atMs, by }, [this.#name, id, this.#mirrored]);
      if (reply === null) return undefined;
      const [taken, shown] = reply as [number, Shown];
      const document = this.read(shown);
      if (taken === 1) {
        this.#known.delete(id);
        await this.#refreshOwn();
        return document;
      }
      if ((await this.settled(document, atMs)) === undefined) return undefined;
    }
  }

  async list({ after, until, limit }: Page): Promise<Document<T>[]> {
    if (this.#rules.listed === false) throw new Error(`the collection ${this.#name} keeps no order`);
    const nowMs = this.#store.nowMs();
    const to = until === undefined ? "+" : `(${until}`;
    const page: Document<T>[] = [];
    let from = after === undefined ? "-" : `(${after}`;
    while (page.length < limit) {
      const wanted = Math.min(limit - page.length, maxPage);
      const reply = await this.#store.run(listScript, [this.#store.names, this.#name, from, to, wanted]);
      const [last, found] = reply as [Buffer | null, Shown[]];
      for (const shown of found) {
        const document = await this.settled(this.read(shown), nowMs);
        if (document !== undefined && !document.hidden) page.push(document);
      }
      if (last === null) break;
      from = `(${last}`;
    }
    return page;
  }

  async all(): Promise<Document<T>[]> {
    const nowMs = this.#store.nowMs();
    const found = new Map<string, Document<T>>();
    let cursor = "0";
    do {
      const [next, some] = (await this.#store.run(scanScript, [this.#name, cursor])) as [Buffer, Shown[]];
      for (const shown of some) {
        const document = await this.settled(this.read(shown), nowMs);
        if (document !== undefined) found.set(document.id, document);
      }
      cursor = String(next);
    } while (cursor !== "0");
    return [...found.values()];
  }

  async ownedBy(owner: string): Promise<Document<T>[]> {
    const owned = await this.#store.ownedBy(owner, this.#name, this.#store.nowMs());
    return (owned.get(this.#name) ?? []) as Document<T>[];
  }

  mirror(): readonly Document<T>[] {
    return this.#mirror;
  }

  /** @internal What follows serves its store. */
  async refresh(): Promise<void> {
    if (this.#rules.mirrored) this.#mirror = (await this.all()).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The document as it is at `nowMs`: if its time is up, the expiry rule has its say first. */
  async settled(found: Document<T> | undefined, nowMs: number): Promise<Document<T> | undefined> {
    let document = found;
    while (document?.expiresAtMs !== undefined && document.expiresAtMs <= nowMs) {
      const change = { atMs: document.expiresAtMs, by: undefined };
      const next = await this.#expired(document);
      const isDone =
        next === undefined
          ? await this.#remove(document, change)
          : (await this.#write(next, document, change)) === true;
      // Not `next`: somebody else may have been faster, or it may be one hidden document too many.
      if (isDone && next === undefined) return undefined;
      document = isDone && !next?.hidden ? next : await this.#find(document.id);
    }
    return document;
  }

  read([id, version, expires, owner, hidden, value]: Shown): Document<T> {
    const [itsId, itsVersion] = [String(id), String(version)];
    const known = this.#known.get(itsId);
    if (known?.version === itsVersion) return known.document;
    const document: Document<T> = {
      id: itsId,
      value: this.#codec.read(itsId, value),
      ...(owner.length > 0 && { owner: String(owner) }),
      ...(expires.length > 0 && { expiresAtMs: Number(expires) }),
      ...(hidden.length > 0 && { hidden: true }),
    };
    this.#remember(document, itsVersion);
    return document;
  }

  async #find(id: string): Promise<Document<T> | undefined> {
    const shown = (await this.#store.run(readScript, [this.#name, id])) as Shown | null;
    return shown === null ? undefined : this.read(shown);
  }

  async #expired(document: Document<T>): Promise<Document<T> | undefined> {
    if (this.#rules.expire === undefined) return undefined;
    const owned = await this.#store.ownedBy(document.id, "", document.expiresAtMs ?? 0);
    return this.#rules.expire(document, (name) => owned.get(name) ?? []);
  }

  /** Writes over `current`, if that is what there is. @returns false where the owner is gone */
  async #write(
    document: Document<T>,
    current: Document<T> | undefined,
    change: Change,
  ): Promise<boolean | { readonly instead: Document<T> | undefined }> {
    const { id, value, owner = "", expiresAtMs = "", hidden } = document;
    const { event, listed = true, maxHidden = "" } = this.#rules;
    const reply = await this.#store.change(writeScript, change, [
      this.#name,
      id,
      current === undefined ? "" : (this.#store.versions.get(current) ?? "unknown"),
      flag(listed),
      flag(event !== undefined),
      this.#mirrored,
      maxHidden,
      expiresAtMs,
      owner,
      flag(hidden),
      writtenEvent(event?.(undefined, document)),
      writtenEvent(event?.(document, undefined)),
      this.#codec.write(id, value),
      writtenEvent(current && event?.(current, document)),
    ]);
    const [outcome, detail] = reply as [number, (Buffer | Shown)?];
    if (outcome === 2) return false;
    if (outcome === 0) return { instead: detail ? this.read(detail as Shown) : undefined };
    this.#remember(document, String(detail));
    await this.#refreshOwn();
    return true;
  }

  async #remove(document: Document<T>, change: Change): Promise<boolean> {
    const version = this.#store.versions.get(document) ?? "unknown";
    const args = [this.#name, document.id, this.#mirrored, version];
    return (await this.#store.change(removeScript, change, args)) === 1;
  }

  #remember(document: Document<T>, version: string): void {
    this.#store.versions.set(document, version);
    if (this.#known.size >= maxKnown) this.#known.clear();
    this.#known.set(document.id, { version, document });
  }

  /** What was written here is in the copy at once. */
  async #refreshOwn(): Promise<void> {
    if (this.#rules.mirrored) await this.#store.renewMirrors();
  }

  get #mirrored(): string {
    return flag(this.#rules.mirrored);
  }
}

const flag = (is: boolean | undefined) => (is ? "1" : "");
