/**
 * The store: collections of documents, each of which may expire. All operations are asynchronous and atomic, so
 * that an engine shared by several processes can stand behind this interface; whoever reads, decides and
 * writes does so by putting a document back only if it is unchanged.
 *
 * Stored documents are shared, not copied: they must never be changed in place.
 */

export interface Document<T> {
  readonly id: string;
  readonly value: T;
  /** The id of the document that this one belongs to: when that one is removed, this one goes with it. */
  readonly owner?: string | undefined;
  /** The moment at which the collection's expiry rule replaces or removes the document; absent: never. */
  readonly expiresAtMs?: number | undefined;
  /** Kept for those who know its id, but in no list. */
  readonly hidden?: boolean | undefined;
}

/** The documents of a collection that belong to the one in question. */
export type Owned = (collection: string) => readonly Document<unknown>[];

/** What holds for all documents of a collection. */
export interface CollectionRules<T> {
  /**
   * What a document becomes at its `expiresAtMs`: another one of the same id, or nothing (also the default).
   * It is applied exactly once and at the latest when somebody reads, however late a timer fires.
   */
  expire?(document: Document<T>, owned: Owned): Document<T> | undefined;
  /** How many hidden documents are kept; beyond it the one goes that was hidden first. */
  maxHidden?: number;
  /** False where documents are only ever asked for by id: saves their place in an order. Default: true. */
  listed?: boolean;
}

/** What must hold for `put` to write: that there is no such document, or that it is still the one read. */
export type Condition<T> = "absent" | { readonly unchanged: Document<T> };

export interface Collection<T> {
  get(id: string): Promise<Document<T> | undefined>;
  /** Writes a document; false, and nothing is written, if the condition does not hold or its owner is gone. */
  put(document: Document<T>, condition?: Condition<T>): Promise<boolean>;
  /** Removes a document, and what it owns, and returns it; of many callers exactly one gets it. */
  take(id: string): Promise<Document<T> | undefined>;
  /** Up to `limit` documents in ascending order of their ids, from the first one after `after`. */
  list(page: { after?: string | undefined; limit: number }): Promise<Document<T>[]>;
}

export interface Store {
  /** The collection of that name, made on first use; asked for once, by the part that knows its rules. */
  collection<T>(name: string, rules?: CollectionRules<T>): Collection<T>;
  /** Removes every document, in all collections, that belongs to this owner. */
  takeOwnedBy(owner: string): Promise<void>;
}
