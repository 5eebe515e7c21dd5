/**
 * The change feed in a shared engine: a stream, which every change of a document that is told of is added to in the same
 * step. Whoever listens is told by what is read from it, one after another and without gaps; that there is something
 * to read is only said by what is published.
 */
import type { Clock, HostTime } from "../../clock.ts";
import { errors, isWorldGone } from "../../errors.ts";
import { orderedId, orderOf } from "../../ids.ts";
import type { Feed, FeedEntry, FeedPage } from "../feed.ts";
import { readActor, readEvent } from "./codec.ts";
import type { Connection } from "./connection.ts";
import { feedScript } from "./scripts.ts";

/** A clock that hears what others have made of it. */
export interface FeedClock extends Clock {
  /** @returns whether it says another time now */
  adopt(state: string): boolean;
}

interface RedisFeedOptions {
  readonly connection: Connection;
  readonly space: string;
  readonly clock: FeedClock;
  readonly host: HostTime;
  readonly maxFeedEntries: number;
}

interface Listener {
  /** The place of the last entry that was there before it. */
  readonly since: number;
  readonly hear: (entry: FeedEntry) => void;
  readonly lost: (reason: Error) => void;
}

/** How many entries are read at once. */
const batchSize = 500;

/** There is no greater one that an id can have (ids.ts). */
const maxPlace = 2 ** 32 - 1;

/** How long what is published may fail to come before the stream is looked at anyway. */
const maxRestMs = 1_000;

export class RedisFeed implements Feed {
  readonly #options: RedisFeedOptions;
  readonly #settleDue: () => Promise<number | undefined>;
  readonly #listeners = new Set<Listener>();
  /** How many entries there have been, as far as is known. */
  #reached = 0;
  /** The place of the last entry that those who listen have been told. */
  #told = 0;
  #following: Promise<void> | undefined;
  /** Whether there may be more than is being read. */
  #again = false;
  #disarm: (() => void) | undefined;
  #unsubscribe: Promise<() => void> | undefined;
  #closed = false;

  /** @param settleDue applies what is due; says when something is again */
  constructor(options: RedisFeedOptions, settleDue: () => Promise<number | undefined>) {
    this.#options = options;
    this.#settleDue = settleDue;
  }

  /** Takes note of how many entries there have been: who listens from now on hears of later ones. */
  reached(events: number): void {
    this.#reached = Math.max(this.#reached, events);
  }

  subscribe(hear: (entry: FeedEntry) => void, lost: (reason: Error) => void): () => void {
    const listener = { since: this.#reached, hear, lost };
    if (this.#listeners.size === 0) this.#told = this.#reached;
    this.#listeners.add(listener);
    this.#follow();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#rest();
    };
  }

  async list({ after, limit, newestFirst }: FeedPage): Promise<FeedEntry[]> {
    await this.#settleDue();
    const place = after === undefined ? undefined : orderOf(after);
    const { entries } = await this.#read(place, limit, newestFirst, this.#options.maxFeedEntries);
    return entries.map(({ entry }) => entry);
  }

  close(): void {
    this.#closed = true;
    this.#listeners.clear();
    this.#rest();
  }

  /** Hears that there is something to read. Where that cannot be had now, it is tried again with the next reading. */
  #attend(): void {
    const { connection, space } = this.#options;
    this.#unsubscribe ??= connection.subscribe(`${space}:feed`, () => this.#follow());
    this.#unsubscribe.catch(() => {
      this.#unsubscribe = undefined;
    });
  }

  #rest(): void {
    this.#disarm?.();
    this.#unsubscribe?.then(
      (unsubscribe) => unsubscribe(),
      () => {},
    );
    this.#unsubscribe = undefined;
  }

  /** Reads what there is, one reading after another. */
  #follow(): void {
    this.#again = true;
    if (this.#following !== undefined) return;
    this.#following = this.#readOn().finally(() => {
      this.#following = undefined;
      if (this.#listeners.size === 0) this.#rest();
      else if (this.#again) this.#follow();
    });
  }

  async #readOn(): Promise<void> {
    this.#again = false;
    this.#disarm?.();
    this.#attend();
    let dueMs: number | undefined;
    try {
      dueMs = await this.#settleDue();
      while (this.#listeners.size > 0 && (await this.#readSome()));
    } catch (error) {
      // What cannot be reached now is tried again; a space that is gone is not.
      if (isWorldGone(error)) this.#lose(error as Error);
    }
    if (this.#listeners.size > 0 && !this.#closed) this.#arm(dueMs);
  }

  /** @returns whether there may be more */
  async #readSome(): Promise<boolean> {
    const after = this.#told;
    const { events, entries } = await this.#read(after, batchSize);
    // Meanwhile all have gone, and others have come, who want another beginning.
    if (this.#told !== after) return true;
    if (events < this.#told || (entries[0]?.place ?? this.#told + 1) > this.#told + 1) {
      this.#lose(errors.eventsLost());
      return false;
    }
    for (const { place, entry } of entries) {
      this.#told = place;
      for (const { since, hear } of [...this.#listeners]) if (place > since) hear(entry);
    }
    return entries.length === batchSize;
  }

  #arm(dueMs: number | undefined): void {
    const { clock, host } = this.#options;
    const waitMs = dueMs === undefined ? maxRestMs : Math.max(0, dueMs - clock.nowMs());
    this.#disarm?.();
    this.#disarm = host.setTimer(Math.min(waitMs, maxRestMs), () => this.#follow());
  }

  #lose(reason: Error): void {
    for (const { lost } of [...this.#listeners]) lost(reason);
    this.#listeners.clear();
    this.#rest();
  }

  /** @param counted how many of the newest there are for the reader; default: all that are kept */
  async #read(after: number | undefined, limit: number, newestFirst = false, counted = maxPlace) {
    const { connection, space } = this.#options;
    const args = [after ?? "", limit, newestFirst ? "1" : "", counted];
    const [events, entries] = (await connection.run(feedScript, space, args)) as [Buffer, StreamEntry[]];
    return { events: Number(events), entries: entries.map(placed) };
  }
}

/** `PLACE-0`, and its fields: event, at, by, ms. */
type StreamEntry = readonly [Buffer, readonly Buffer[]];

function placed([streamId, fields]: StreamEntry): { readonly place: number; readonly entry: FeedEntry } {
  const [, event, , at, , by, , ms] = fields.map(String);
  const place = Number.parseInt(String(streamId), 10);
  const id = orderedId(Number(ms), place);
  return { place, entry: { ...readEvent(event ?? ""), id, atMs: Number(at), actor: readActor(by ?? "") } };
}
