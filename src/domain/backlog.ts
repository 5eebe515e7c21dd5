/**
 * What waits for a reader that takes it one by one. It is bounded: a reader that does not keep up is told so,
 * and nothing is kept for it any more.
 */
export class Backlog<T> implements AsyncIterableIterator<T> {
  readonly #limit: number;
  readonly #tooMany: () => Error;
  #waiting: T[] = [];
  #taken = 0;
  #ended: { readonly reason: unknown } | undefined;
  #wake: (() => void) | undefined;

  /** @param tooMany why it ends once more than `limit` items wait */
  constructor(limit: number, tooMany: () => Error) {
    this.#limit = limit;
    this.#tooMany = tooMany;
  }

  push(item: T): void {
    if (this.#ended !== undefined) return;
    if (this.#waiting.length - this.#taken < this.#limit) {
      this.#waiting.push(item);
      this.#wake?.();
    } else this.end(this.#tooMany());
  }

  /** Ends it for its reader at once, whatever still waits. @param reason what it is told; undefined: nothing */
  end(reason: unknown): void {
    this.#ended ??= { reason };
    this.#waiting = [];
    this.#taken = 0;
    this.#wake?.();
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    while (this.#ended === undefined && this.#taken === this.#waiting.length) {
      this.#waiting = [];
      this.#taken = 0;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#ended !== undefined) {
      if (this.#ended.reason === undefined) return { done: true, value: undefined };
      throw this.#ended.reason;
    }
    return { done: false, value: this.#waiting[this.#taken++] as T };
  }

  async return(): Promise<IteratorResult<T, undefined>> {
    this.end(undefined);
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
