/**
 * A world's clock that several processes share: how far it is from the host's time, or where it stands, is kept with the
 * world. Each process reckons with what it last heard of it, which is at the beginning of each call.
 *
 * The hosts' own clocks have to agree, as those of a cluster do.
 */
import { advancedMs, type HostTime, type MovableClock } from "../../clock.ts";
import type { Duration } from "../../duration.ts";
import type { Connection } from "./connection.ts";
import { clockScript } from "./scripts.ts";

interface ClockState {
  /** From the host's time to the world's, while that follows it. */
  readonly offsetMs: number;
  /** Where the time stands, if it is frozen. */
  readonly heldAtMs?: number;
}

/** A clock that nobody has touched. */
export const untouchedClock = JSON.stringify({ offsetMs: 0 } satisfies ClockState);

export class SharedClock implements MovableClock {
  readonly #connection: Connection;
  readonly #space: string;
  readonly #host: HostTime;
  readonly #settle: () => Promise<unknown>;
  #written = untouchedClock;
  #state: ClockState = { offsetMs: 0 };
  #latestMs = 0;

  /** @param settle applies what has fallen due */
  constructor(connection: Connection, space: string, host: HostTime, settle: () => Promise<unknown>) {
    this.#connection = connection;
    this.#space = space;
    this.#host = host;
    this.#settle = settle;
  }

  nowMs(): number {
    const nowMs = this.#state.heldAtMs ?? this.#host.nowMs() + this.#state.offsetMs;
    // The host's clock may be set back; ours never goes back.
    if (nowMs > this.#latestMs) this.#latestMs = nowMs;
    return this.#latestMs;
  }

  get frozen(): boolean {
    return this.#state.heldAtMs !== undefined;
  }

  /** Takes over what somebody made of it. @returns whether it is another state than before */
  adopt(written: string): boolean {
    if (written === this.#written) return false;
    this.#written = written;
    this.#state = JSON.parse(written);
    return true;
  }

  /** As for any clock; for all who share it, once this resolves. */
  async advance(by: Duration): Promise<void> {
    await this.#become(({ offsetMs, heldAtMs }) => {
      const byMs = advancedMs(this.nowMs(), by) - this.nowMs();
      return heldAtMs === undefined ? { offsetMs: offsetMs + byMs } : { offsetMs, heldAtMs: heldAtMs + byMs };
    });
    await this.#settle();
  }

  async freeze(): Promise<void> {
    await this.#become((state) => ({ ...state, heldAtMs: this.nowMs() }));
  }

  async resume(): Promise<void> {
    await this.#become(({ offsetMs, heldAtMs }) => ({
      offsetMs: heldAtMs === undefined ? offsetMs : heldAtMs - this.#host.nowMs(),
    }));
  }

  async #become(next: (state: ClockState) => ClockState): Promise<void> {
    for (;;) {
      const becomes = JSON.stringify(next(this.#state));
      const was = String(await this.#connection.run(clockScript, this.#space, [this.#written, becomes]));
      const isSo = was === this.#written;
      this.adopt(isSo ? becomes : was);
      if (isSo) return;
    }
  }
}
