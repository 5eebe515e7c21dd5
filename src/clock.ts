/**
 * Time. Everything that asks what time it is, or wants to be woken, gets a Clock; nothing else reads the
 * machine's time. A WorldClock follows the host's time until it is told otherwise: it can be advanced
 * (forward only), frozen and resumed, and what falls due on the way happens one by one, each at its moment.
 */
// Not the global one: a test in the same process may have put its own in that one's place, and holds it.
import { setImmediate } from "node:timers";
import TinyQueue from "tinyqueue";
import { type Duration, durationMs } from "./duration.ts";
import { shown } from "./shown.ts";

/** What time it is. */
export interface Clock {
  /** Milliseconds since the Unix epoch; never less than what it said before. */
  nowMs(): number;
}

/** A clock that wakes. */
export interface Timers extends Clock {
  /** Runs `run` once the time `atMs` is reached; the function returned calls it off. */
  schedule(atMs: number, run: Wake): () => void;
  /** Lets others have their turn: resolves once the event loop has gone round. */
  turn(): Promise<void>;
}

/** A clock that obeys. */
export interface MovableClock extends Clock {
  /** Whether the time stands still until it is advanced or resumed. */
  readonly frozen: boolean;
  /**
   * Moves the time forward by `by` (`"31s"`, or milliseconds). Resolves when everything that fell due on the
   * way has happened. A running clock runs on from there; a frozen one stays frozen.
   *
   * @throws RangeError for a duration that is negative, unreadable, or leads beyond the year 9999
   */
  advance(by: Duration): Promise<void>;
  /** Stops the time where it is. Timers wait with it. */
  freeze(): Promise<void>;
  /** Lets the time run on from where it stands. */
  resume(): Promise<void>;
}

/** Called with the moment it was scheduled for, which may lie a little before `nowMs()`. */
export type Wake = (dueAtMs: number) => void | Promise<void>;

/** The time of the machine below all worlds. */
export interface HostTime {
  nowMs(): number;
  /** For how long something took: finer than `nowMs`, and never set back. */
  monotonicMs(): number;
  setTimer(delayMs: number, run: () => void): () => void;
  /** Resolves once the event loop has gone round. */
  turn(): Promise<void>;
}

/** The machine's own time. Its timers do not keep the process alive. */
export const systemTime: HostTime = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, run) {
    const timer = setTimeout(run, delayMs).unref();
    return () => clearTimeout(timer);
  },
  turn: () => new Promise((resolve) => setImmediate(resolve)),
};

/** The last moment that a google.protobuf.Timestamp can hold: the end of the year 9999. */
const endOfTimeMs = Date.UTC(10_000, 0) - 1;

/** Where a clock gets to. @throws RangeError as `MovableClock.advance` does */
export function advancedMs(nowMs: number, by: Duration): number {
  const targetMs = nowMs + durationMs(by);
  if (targetMs > endOfTimeMs) throw new RangeError(`${shown(by)} from now is beyond the year 9999`);
  return targetMs;
}

/** The longest delay that a timer of the host takes; whoever needs longer sets another one after it. */
export const maxTimerMs = 2 ** 31 - 1;

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly run: Wake;
  cancelled: boolean;
}

export class WorldClock implements Timers, MovableClock {
  readonly #host: HostTime;
  readonly #timers = new TinyQueue<Timer>([], (a, b) => a.atMs - b.atMs || a.order - b.order);
  #scheduled = 0;
  #offsetMs = 0;
  #latestMs = 0;
  /** The time while it does not flow: frozen, or being advanced. */
  #heldAtMs: number | undefined;
  #frozen = false;
  #closed = false;
  #disarm: (() => void) | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(host: HostTime = systemTime) {
    this.#host = host;
  }

  nowMs(): number {
    const nowMs = this.#heldAtMs ?? this.#host.nowMs() + this.#offsetMs;
    // The host's clock may be set back; ours never goes back.
    if (nowMs > this.#latestMs) this.#latestMs = nowMs;
    return this.#latestMs;
  }

  schedule(atMs: number, run: Wake): () => void {
    const timer: Timer = { atMs, order: this.#scheduled++, run, cancelled: false };
    this.#timers.push(timer);
    if (this.#timers.peek() === timer) this.#arm();
    return () => {
      timer.cancelled = true;
    };
  }

  turn(): Promise<void> {
    return this.#host.turn();
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  async advance(by: Duration): Promise<void> {
    const byMs = durationMs(by);
    await this.#inTurn(async () => {
      const targetMs = advancedMs(this.nowMs(), byMs);
      this.#heldAtMs = this.nowMs();
      try {
        await this.#runDue(targetMs, (timer) => {
          this.#heldAtMs = Math.max(timer.atMs, this.nowMs());
        });
        this.#heldAtMs = targetMs;
      } finally {
        if (!this.#frozen) this.#release();
      }
    });
  }

  async freeze(): Promise<void> {
    this.#heldAtMs ??= this.nowMs();
    this.#frozen = true;
  }

  async resume(): Promise<void> {
    this.#frozen = false;
    await this.#inTurn(async () => {
      if (!this.#frozen) this.#release();
    });
  }

  /** Calls off everything that is scheduled, for good. */
  close(): void {
    this.#closed = true;
    this.#timers.data.length = this.#timers.length = 0;
    this.#disarm?.();
  }

  #release(): void {
    if (this.#heldAtMs === undefined) return;
    this.#offsetMs = this.#heldAtMs - this.#host.nowMs();
    this.#heldAtMs = undefined;
    this.#arm();
  }

  /** One advance, one resume or one batch of due timers after another. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }

  async #runDue(untilMs: number, before: (timer: Timer) => void): Promise<void> {
    for (let timer = this.#timers.peek(); timer && timer.atMs <= untilMs; timer = this.#timers.peek()) {
      this.#timers.pop();
      if (timer.cancelled) continue;
      before(timer);
      await timer.run(timer.atMs);
    }
  }

  /** Asks the host to wake us at the next timer; while the time is held, nothing wakes. */
  #arm(): void {
    this.#disarm?.();
    this.#disarm = undefined;
    const next = this.#timers.peek();
    if (this.#closed || next === undefined || this.#heldAtMs !== undefined) return;
    const delayMs = Math.min(Math.max(next.atMs - this.nowMs(), 0), maxTimerMs);
    this.#disarm = this.#host.setTimer(delayMs, () => {
      void this.#inTurn(async () => {
        try {
          if (this.#heldAtMs === undefined) await this.#runDue(this.nowMs(), () => {});
        } finally {
          this.#arm();
        }
      });
    });
  }
}
