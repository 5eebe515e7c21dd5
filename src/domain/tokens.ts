/**
 * The credentials of runners: opaque, 256 random bits behind a prefix that says what they are. Only their
 * SHA-256 is kept. They belong to their runner's record and go with it.
 */
import { createHash } from "node:crypto";
import type { Clock } from "../clock.ts";
import type { Random } from "../random.ts";
import type { Collection, Store } from "../store/store.ts";

/** exchange: works once, for ExchangeToken. access: the bearer of a runner. */
export type TokenKind = "exchange" | "access";

const prefixes: Record<TokenKind, string> = {
  exchange: "rmock_exchange_",
  access: "rmock_access_",
};

interface Token {
  readonly runnerId: string;
}

export interface IssuedToken {
  /** The token itself; it is kept nowhere. */
  readonly secret: string;
  /** When it stops working; absent: when its runner's record goes. */
  readonly expiresAtMs: number | undefined;
}

/** How long tokens of a kind work, in milliseconds; undefined: as long as their runner's record is kept. */
export type TokenLifetimes = { readonly [Kind in TokenKind]: number | undefined };

/** True of every text that looks like a token of ours, valid or not. */
export function isOurs(text: string): boolean {
  return text.startsWith("rmock_");
}

export class Tokens {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #lifetimesMs: TokenLifetimes;
  readonly #kept: { readonly [Kind in TokenKind]: Collection<Token> };

  constructor(clock: Clock, random: Random, store: Store, lifetimesMs: TokenLifetimes) {
    this.#clock = clock;
    this.#random = random;
    this.#lifetimesMs = lifetimesMs;
    this.#kept = {
      exchange: store.collection("exchange-tokens", { listed: false }),
      access: store.collection("access-tokens", { listed: false }),
    };
  }

  /** A new token, which works once `keep` has been called with it. */
  make(kind: TokenKind): IssuedToken {
    const lifetimeMs = this.#lifetimesMs[kind];
    return {
      secret: prefixes[kind] + Buffer.from(this.#random(32)).toString("base64url"),
      expiresAtMs: lifetimeMs === undefined ? undefined : this.#clock.nowMs() + lifetimeMs,
    };
  }

  async keep(kind: TokenKind, { secret, expiresAtMs }: IssuedToken, runnerId: string): Promise<void> {
    await this.#kept[kind].put({ id: hash(secret), value: { runnerId }, owner: runnerId, expiresAtMs });
  }

  /** The runner that a token belongs to, if it works. */
  async runnerIdOf(kind: TokenKind, secret: string): Promise<string | undefined> {
    return (await this.#kept[kind].get(hash(secret)))?.value.runnerId;
  }

  /** The same, and the token is used up: of many callers exactly one learns the runner. */
  async use(kind: TokenKind, secret: string): Promise<string | undefined> {
    return (await this.#kept[kind].take(hash(secret)))?.value.runnerId;
  }
}

function hash(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}
