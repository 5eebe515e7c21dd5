/**
 * The credentials of runners: opaque, 256 random bits behind a prefix that says what they are. Only their
 * SHA-256 is kept. They belong to their runner's record and go with it.
 */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Clock } from "../clock.ts";
import { errors } from "../errors.ts";
import { type TokenState, TokenStateSchema, TokenKind as WireKind } from "../gen/runnermock/v1/runner_pb.ts";
import { canonical } from "../ids.ts";
import type { Random } from "../random.ts";
import type { Collection, Document, Store } from "../store/store.ts";
import { digest } from "./digest.ts";
import { type Cursor, pageOfAll } from "./pagination.ts";

/** exchange: works once, for ExchangeToken. access: the bearer of a runner. logs: opens a runner's logs. */
export type TokenKind = "exchange" | "access" | "logs";

const prefixes: Record<TokenKind, string> = {
  exchange: "rmock_exchange_",
  access: "rmock_access_",
  logs: "rmock_logs_",
};

const collections: Record<TokenKind, string> = {
  exchange: "exchange-tokens",
  access: "access-tokens",
  logs: "logs-tokens",
};

/** DOC: a logs token works for an hour. */
export const logsTokenTtlMs = 3_600_000;

/** Where the credentials are kept with which a lapsed runner can register itself again. */
export const credentialCollections: readonly string[] = [collections.exchange, collections.access];

interface Token {
  readonly runnerId: string;
  readonly issuedAtMs: number;
}

/** What is known of a token without the token. */
export interface TokenFacts {
  /** Its SHA-256. */
  readonly tokenId: string;
  readonly kind: TokenKind;
  readonly runnerId: string;
  readonly createdAtMs: number;
  /** Undefined: it works as long as its runner's record is kept. */
  readonly expiresAtMs: number | undefined;
}

/** What the wire calls them. */
export const wireKinds: Readonly<Record<TokenKind, WireKind>> = {
  exchange: WireKind.EXCHANGE,
  access: WireKind.ACCESS,
  logs: WireKind.LOGS,
};

const kinds = ["access", "exchange", "logs"] as const satisfies readonly TokenKind[];

/** How long tokens of a kind work, in milliseconds; undefined: as long as their runner's record is kept. */
export type TokenLifetimes = { readonly [Kind in TokenKind]: number | undefined };

/** True of every text that looks like a token of ours, valid or not. */
export function isOurs(text: string): boolean {
  return text.startsWith("rmock_");
}

/** What a valid bearer of ours stands for. */
export interface ValidToken {
  readonly kind: "access" | "logs";
  readonly runnerId: string;
  readonly organizationId: string;
}

/** What a bearer looks like: of which kind it is if it is valid. */
export function kindOfBearer(text: string): "access" | "logs" {
  return text.startsWith(prefixes.logs) ? "logs" : "access";
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
      exchange: store.collection(collections.exchange, { listed: false }),
      access: store.collection(collections.access, { listed: false }),
      logs: store.collection(collections.logs, { listed: false }),
    };
  }

  /** A token that opens nothing. */
  make(kind: TokenKind): string {
    return prefixes[kind] + Buffer.from(this.#random(32)).toString("base64url");
  }

  /** A new token of a runner, kept nowhere but in the answer; undefined if the runner's record is gone. */
  async issue(kind: TokenKind, runnerId: string): Promise<string | undefined> {
    const secret = this.make(kind);
    const lifetimeMs = this.#lifetimesMs[kind];
    const issuedAtMs = this.#clock.nowMs();
    const expiresAtMs = lifetimeMs === undefined ? undefined : issuedAtMs + lifetimeMs;
    const token = { id: digest(secret), value: { runnerId, issuedAtMs }, owner: runnerId, expiresAtMs };
    return (await this.#kept[kind].put(token)) ? secret : undefined;
  }

  /** The runner that a token belongs to, if it works. */
  async runnerIdOf(kind: TokenKind, secret: string): Promise<string | undefined> {
    return (await this.#kept[kind].get(digest(secret)))?.value.runnerId;
  }

  /** The same, and the token is used up: of many callers exactly one learns the runner. */
  async use(kind: TokenKind, secret: string): Promise<string | undefined> {
    return (await this.#kept[kind].take(digest(secret)))?.value.runnerId;
  }

  /** A page of the tokens that work: those of a runner, standing or lapsed, or of all. */
  async list(runnerId: string | undefined, cursor: Cursor) {
    const found = await this.#facts((kept) =>
      runnerId === undefined ? kept.all() : kept.ownedBy(canonical(runnerId)),
    );
    const { items, pagination } = await pageOfAll(cursor, found, ({ kind, tokenId }) => `${kind}/${tokenId}`);
    return { items: items.map(({ item }) => item), pagination };
  }

  /** How many tokens of a runner work, by their kind. */
  async count(runnerId: string): Promise<Record<TokenKind, number>> {
    const { exchange, access, logs } = this.#kept;
    return {
      exchange: (await exchange.ownedBy(runnerId)).length,
      access: (await access.ownedBy(runnerId)).length,
      logs: (await logs.ownedBy(runnerId)).length,
    };
  }

  /**
   * Ends a token now: from then on it is as unknown as one that has expired, or was never issued.
   *
   * @param token its SHA-256, or the token itself
   * @throws not_found for one that does not work anyway
   */
  async end(token: string): Promise<void> {
    const id = isOurs(token) ? digest(token) : token;
    const taken = await Promise.all(kinds.map((kind) => this.#kept[kind].take(id)));
    if (taken.every((document) => document === undefined)) throw errors.tokenNotFound();
  }

  /** The tokens of a runner that work, as a state document has them. */
  async save(runnerId: string): Promise<TokenState[]> {
    const owned = await this.#facts((kept) => kept.ownedBy(runnerId));
    return owned.map(({ kind, tokenId, createdAtMs, expiresAtMs }) => {
      const saved = create(TokenStateSchema, { kind: wireKinds[kind], sha256: tokenId });
      saved.createdAt = timestampFromMs(createdAtMs);
      if (expiresAtMs !== undefined) saved.expiresAt = timestampFromMs(expiresAtMs);
      return saved;
    });
  }

  /** Keeps a token as it was. */
  async restore(runnerId: string, { kind, token, sha256, createdAt, expiresAt }: TokenState): Promise<void> {
    const known = kinds.find((candidate) => wireKinds[candidate] === kind);
    if (known === undefined) return;
    const issuedAtMs = createdAt === undefined ? this.#clock.nowMs() : timestampMs(createdAt);
    const expiresAtMs = expiresAt && timestampMs(expiresAt);
    const id = token === "" ? sha256 : digest(token);
    await this.#kept[known].put({ id, value: { runnerId, issuedAtMs }, owner: runnerId, expiresAtMs });
  }

  async #facts(read: (kept: Collection<Token>) => Promise<Document<Token>[]>): Promise<TokenFacts[]> {
    const facts = await Promise.all(
      kinds.map(async (kind) => (await read(this.#kept[kind])).map((document) => factsOf(kind, document))),
    );
    return facts.flat();
  }
}

function factsOf(kind: TokenKind, { id, value, expiresAtMs }: Document<Token>): TokenFacts {
  return { tokenId: id, kind, runnerId: value.runnerId, createdAtMs: value.issuedAtMs, expiresAtMs };
}
