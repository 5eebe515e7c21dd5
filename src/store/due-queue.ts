/**
 * What falls due in a store in memory: a queue of moments with one timer on the clock, however many documents
 * there are. Renewing a document costs nothing here: it is found not yet due, and queued anew.
 */
import TinyQueue from "tinyqueue";
import type { Timers } from "../clock.ts";
import type { Document } from "./store.ts";

/** What is known of an id in a collection. */
export interface Slot<T> {
  document: Document<T>;
  readonly home: Home<T>;
  /** When its entry in the queue comes up, if it has one. An entry of another moment is of no more use. */
  queuedAtMs: number | undefined;
}

/** Where a document lives that falls due. */
export interface Home<T> {
  /** Applies what is to happen to the document by that moment. */
  settle(id: string, nowMs: number): unknown;
  holds(slot: Slot<T>): boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: whatever its documents are
type AnySlot = Slot<any>;

/** A promise to look at a document again. */
interface Due {
  readonly atMs: number;
  readonly slot: AnySlot;
}

/** Documents due at one moment go in the order of their ids: for runners the order of creation. */
const byMoment = (a: Due, b: Due) => a.atMs - b.atMs || (a.slot.document.id < b.slot.document.id ? -1 : 1);

/** How many documents have their say before everybody else gets a turn: some milliseconds' worth. */
const sweptAtOnce = 20;

/** Below this many, useless entries stay in the queue until their moment comes. */
const toleratedUseless = 1_000;

export class DueQueue {
  readonly #clock: Timers;
  #dues = new TinyQueue<Due>([], byMoment);
  #useless = 0;
  #armedAtMs = Number.POSITIVE_INFINITY;
  #disarm: (() => void) | undefined;

  constructor(clock: Timers) {
    this.#clock = clock;
  }

  /** Queues a document for the moment at which it expires, unless it is looked at before that anyway. */
  queue(slot: AnySlot): void {
    const atMs = slot.document.expiresAtMs;
    if (atMs === undefined || (slot.queuedAtMs !== undefined && slot.queuedAtMs <= atMs)) return;
    this.unqueue(slot);
    slot.queuedAtMs = atMs;
    this.#dues.push({ atMs, slot });
    if (atMs < this.#armedAtMs) this.#arm();
  }

  /** Makes the entry of a document useless. Once most are, they are thrown away. */
  unqueue(slot: AnySlot): void {
    if (slot.queuedAtMs === undefined) return;
    slot.queuedAtMs = undefined;
    this.#useless++;
    if (this.#useless < toleratedUseless || this.#useless < this.#dues.length / 2) return;
    this.#dues = new TinyQueue(this.#dues.data.filter(isUseful), byMoment);
    this.#useless = 0;
  }

  #arm(): void {
    this.#disarm?.();
    this.#disarm = undefined;
    let next = this.#dues.peek();
    for (; next !== undefined && !isUseful(next); next = this.#dues.peek()) {
      this.#dues.pop();
      this.#useless--;
    }
    this.#armedAtMs = next?.atMs ?? Number.POSITIVE_INFINITY;
    if (next !== undefined) this.#disarm = this.#clock.schedule(next.atMs, (dueAtMs) => this.#sweep(dueAtMs));
  }

  /** Whoever looks at a document before its turn finds it settled: the store sees to that. */
  async #sweep(dueAtMs: number): Promise<void> {
    let swept = 0;
    for (let due = this.#dues.peek(); due && due.atMs <= dueAtMs; due = this.#dues.peek()) {
      this.#dues.pop();
      if (!isUseful(due)) {
        this.#useless--;
        continue;
      }
      const { slot } = due;
      slot.queuedAtMs = undefined;
      slot.home.settle(slot.document.id, dueAtMs);
      // Renewed: it is still there, and due later.
      if (slot.home.holds(slot)) this.queue(slot);
      if (++swept % sweptAtOnce === 0) await this.#clock.turn();
    }
    this.#arm();
  }
}

function isUseful({ atMs, slot }: Due): boolean {
  return slot.queuedAtMs === atMs;
}
