/** The place of a document in a collection in memory, tied to that of its owner and to those of what it owns. */
import type { Home, Slot } from "./due-queue.ts";
import type { Actor, Document } from "./store.ts";

/** When a change happens, and who makes it. */
export interface Change {
  readonly atMs: number;
  readonly by: Actor;
}

/** The collection that a place is in. */
export interface MemoryHome<T> extends Home<T> {
  readonly name: string;
  settle(id: string, nowMs: number): Document<T> | undefined;
  /** @param visible whether others saw its owner up to now */
  remove(slot: MemorySlot<T>, change: Change, visible: boolean): void;
  /** Tells that a document has come into sight with its owner, or gone out of it. */
  tellSight(document: Document<T>, visible: boolean, change: Change): void;
}

// biome-ignore lint/suspicious/noExplicitAny: whatever its document is
export type AnyMemorySlot = MemorySlot<any>;

export class MemorySlot<T> implements Slot<T> {
  document: Document<T>;
  readonly home: MemoryHome<T>;
  queuedAtMs: number | undefined = undefined;
  /** Its number among the hidden, if it is one. */
  hiddenAs: number | undefined = undefined;
  #owner: AnyMemorySlot | undefined = undefined;
  // What has one owner is a list through its members: each goes out of it in one step, and most owners have few.
  #oldestOwned: AnyMemorySlot | undefined = undefined;
  #newestOwned: AnyMemorySlot | undefined = undefined;
  #older: AnyMemorySlot | undefined = undefined;
  #newer: AnyMemorySlot | undefined = undefined;

  constructor(document: Document<T>, home: MemoryHome<T>) {
    this.document = document;
    this.home = home;
  }

  get owner(): AnyMemorySlot | undefined {
    return this.#owner;
  }

  set owner(owner: AnyMemorySlot | undefined) {
    if (owner === this.#owner) return;
    this.#leave();
    if (owner !== undefined) this.#join(owner);
  }

  /** What it owns, the oldest first. */
  get owned(): AnyMemorySlot[] {
    const owned: AnyMemorySlot[] = [];
    for (let slot = this.#oldestOwned; slot !== undefined; slot = slot.#newer) owned.push(slot);
    return owned;
  }

  /** Whether others see the document. */
  get isSeen(): boolean {
    return !this.document.hidden && this.isOwnerSeen;
  }

  /** Whether others see what owns it, if anything does. */
  get isOwnerSeen(): boolean {
    return this.#owner === undefined || this.#owner.isSeen;
  }

  #join(owner: AnyMemorySlot): void {
    this.#owner = owner;
    this.#older = owner.#newestOwned;
    if (this.#older === undefined) owner.#oldestOwned = this;
    else this.#older.#newer = this;
    owner.#newestOwned = this;
  }

  #leave(): void {
    const owner = this.#owner;
    if (owner === undefined) return;
    if (this.#older === undefined) owner.#oldestOwned = this.#newer;
    else this.#older.#newer = this.#newer;
    if (this.#newer === undefined) owner.#newestOwned = this.#older;
    else this.#newer.#older = this.#older;
    this.#owner = this.#older = this.#newer = undefined;
  }
}
