/** A machine whose time a test moves: its timers fire when their moment comes, late ones one after another. */
import type { HostTime } from "../../src/clock.ts";
import { startMs } from "./mock.ts";

interface Timer {
  atMs: number;
  readonly run: () => void;
}

export class ManualTime implements HostTime {
  /** Every delay that was asked for. */
  readonly delaysMs: number[] = [];
  readonly #timers = new Set<Timer>();
  #nowMs = startMs;

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, run: () => void): () => void {
    this.delaysMs.push(delayMs);
    const timer: Timer = { atMs: this.#nowMs + delayMs, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  async turn(): Promise<void> {}

  /** How many timers are waiting. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Lets time pass; what the timers set off has happened once this resolves. */
  async pass(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
      await new Promise(setImmediate);
    }
    this.#nowMs = endMs;
  }

  /** Somebody corrects the machine's clock; its timers do not care. */
  set(nowMs: number): void {
    for (const timer of this.#timers) timer.atMs += nowMs - this.#nowMs;
    this.#nowMs = nowMs;
  }

  #next(untilMs: number): Timer | undefined {
    const due = [...this.#timers].filter(({ atMs }) => atMs <= untilMs);
    return due.sort((a, b) => a.atMs - b.atMs)[0];
  }
}
