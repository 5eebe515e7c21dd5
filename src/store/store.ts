/**
 * The store: collections of documents, each of which may expire. All operations are asynchronous and atomic, so
 * that an engine shared by several processes can stand behind this interface; whoever reads, decides and
 * writes does so by putting a document back only if it is unchanged.
 *
 * Stored documents are shared, not copied: they must never be changed in place.
 */
import type { DescMessage } from "@bufbuild/protobuf";
import type { Feed, FeedEntry, ResourceEvent } from "./feed.ts";

export interface Document<T> {
  readonly id: string;
  readonly value: T;
  /** The id of the document that this one belongs to: when that one is removed, this one goes with it. */
  readonly owner?: string | undefined;
  /** The moment at which the collection's expiry rule replaces or removes the document; absent: never. */
  readonly expiresAtMs?: number | undefined;
  /** Kept for those who know its id, but in no list; the same goes for what it owns. */
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
  /**
   * What others hear of a change, if anything. What is hidden, or belongs to something hidden, is not there for
   * them: hiding it is told as its end, showing it as its beginning.
   */
  event?(before: Document<T> | undefined, after: Document<T> | undefined): ResourceEvent | undefined;
  /** How many hidden documents are kept; beyond it the one goes that was hidden first. */
  maxHidden?: number;
  /** False where documents are only ever asked for by id: saves their place in an order. Default: true. */
  listed?: boolean;
  /** Which fields of a value are messages, for an engine that writes values down: what else there is has to be JSON. */
  messages?: { readonly [Field in keyof T]?: DescMessage };
  /**
   * True where calls read all documents again and again: whoever shares the store keeps a copy of them. They neither
   * expire nor belong to others. Default: false.
   */
  mirrored?: boolean;
}

/** What must hold for `put` to write: that there is no such document, or that it is still the one read. */
export type Condition<T> = "absent" | { readonly unchanged: Document<T> };

/** Who writes; undefined: nobody, it is time that passes. */
export type Actor = FeedEntry["actor"];

export interface Write<T> {
  readonly if?: Condition<T>;
  readonly by?: Actor;
}

export interface Page {
  readonly after?: string | undefined;
  /** The first id that is beyond the page. */
  readonly until?: string | undefined;
  readonly limit: number;
}

export interface Collection<T> {
  get(id: string): Promise<Document<T> | undefined>;
  /** Writes a document; false, and nothing is written, if the condition does not hold or its owner is gone. */
  put(document: Document<T>, write?: Write<T>): Promise<boolean>;
  /** Removes a document, and what it owns, and returns it; of many callers exactly one gets it. */
  take(id: string, by?: Actor): Promise<Document<T> | undefined>;
  /** Every document, hidden ones and those in no list included, in no order: for those who look on, not for calls. */
  all(): Promise<Document<T>[]>;
  /** Those that belong to this owner. */
  ownedBy(owner: string): Promise<Document<T>[]>;
  /** Up to `limit` documents in ascending order of their ids, from the first one after `after`. */
  list(page: Page): Promise<Document<T>[]>;
  /** Of a collection that is mirrored: all that there was when the call began, or later, in ascending order of ids. */
  mirror(): readonly Document<T>[];
}

export interface Store {
  /** What happened to the documents whose collections tell. */
  readonly feed: Feed;
  /** The collection of that name, made on first use; asked for once, by the part that knows its rules. */
  collection<T>(name: string, rules?: CollectionRules<T>): Collection<T>;
  /** Removes every document, in all collections, that belongs to this owner. */
  takeOwnedBy(owner: string, by?: Actor): Promise<void>;
}
