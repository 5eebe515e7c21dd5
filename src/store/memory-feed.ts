/** The change feed in memory: the newest entries in order of time, and those who listen. */
import type { Ids } from "../ids.ts";
import type { Feed, FeedEntry, FeedPage, ResourceEvent } from "./feed.ts";

export class MemoryFeed implements Feed {
  readonly #ids: Ids;
  readonly #maxEntries: number;
  readonly #listeners = new Set<(entry: FeedEntry) => void>();
  /** Up to twice as many as are kept, so that dropping the oldest costs next to nothing. */
  #entries: FeedEntry[] = [];

  constructor(ids: Ids, maxEntries: number) {
    this.#ids = ids;
    this.#maxEntries = maxEntries;
  }

  append(event: ResourceEvent, atMs: number, actor: FeedEntry["actor"]): void {
    const entry = { ...event, id: this.#ids(), atMs, actor };
    if (this.#maxEntries > 0) this.#entries.push(entry);
    if (this.#entries.length >= 2 * this.#maxEntries) this.#entries = this.#entries.slice(this.#oldest());
    for (const hear of this.#listeners) hear(entry);
  }

  subscribe(hear: (entry: FeedEntry) => void): () => void {
    this.#listeners.add(hear);
    return () => this.#listeners.delete(hear);
  }

  async list({ after, limit, newestFirst }: FeedPage): Promise<FeedEntry[]> {
    const [entries, oldest] = [this.#entries, this.#oldest()];
    if (newestFirst) {
      const end = after === undefined ? entries.length : firstFrom(entries, after, oldest);
      return entries.slice(Math.max(oldest, end - limit), end).reverse();
    }
    const start = after === undefined ? oldest : firstFrom(entries, `${after}\0`, oldest);
    return entries.slice(start, start + limit);
  }

  /** Where the oldest entry stands that is kept. */
  #oldest(): number {
    return Math.max(0, this.#entries.length - this.#maxEntries);
  }
}

/** Where, from `from` on, the first entry stands whose id is not less than `id`. */
function firstFrom(entries: readonly FeedEntry[], id: string, from: number): number {
  let [low, high] = [from, entries.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle]?.id ?? "") < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
