/**
 * Everything that can be set, in one table: flags, environment variables and the options of startRunnerMock are
 * made from it, so that they say the same with the same words and refuse the same values.
 */

import type { DocumentSource } from "./documents.ts";
import { type AdversityInit, type AdversityKind, defaultLevel } from "./domain/adversity/kind.ts";
import { type AuthMode, authModes } from "./domain/auth-mode.ts";
import type { Duration } from "./duration.ts";
import type { IdentitiesJson } from "./gen/runnermock/v1/identities_pb.ts";
import type { StateJson } from "./gen/runnermock/v1/state_pb.ts";
import type { Listening } from "./http/app.ts";
import { type LogLevel, logLevels } from "./log.ts";
import {
  adversityKindList,
  choice,
  document,
  duration,
  durationOrOff,
  httpUrl,
  level,
  namedTokens,
  type OptionRow,
  pem,
  port,
  portOrOff,
  positiveDuration,
  secretText,
  seedOrOff,
  store,
  storeKey,
  text,
  wholeNumber,
} from "./option-kinds.ts";
import {
  type Profile,
  profiles,
  type Switches,
  type SwitchName,
  switchesOf,
  switchTable,
} from "./profiles.ts";
import { shown } from "./shown.ts";
import type { WorldSettings } from "./world.ts";

/** What `startRunnerMock` takes. All of it is optional; every switch of the profile table can be set, too. */
export interface RunnerMockOptions extends Partial<Switches> {
  /** The address to listen on. Default: `127.0.0.1`, so that only this machine gets in. */
  host?: string;
  /** The port to listen on; 0 picks a free one. Default: 0 in process, 8080 on the command line. */
  port?: number;
  /**
   * The port of the control service; 0 picks a free one, `off`: none. Default: `off` in process, where the mock itself
   * has the same powers; the port after `port` on the command line.
   */
  controlPort?: number | "off";
  /** The bearer token that the control service asks for. Default: none, and then only if `auth` is `required`. */
  controlToken?: string;
  /** The base URL under which clients reach the mock, where it is not the address it listens on. */
  publicUrl?: string;
  /** How much is logged. Default: `silent` in process, `info` on the command line. */
  logLevel?: LogLevel;
  /** How long calls under way may take once the mock is told to stop. Default: `10s`. */
  stopGrace?: Duration;
  /** The certificate with which both addresses speak TLS: its path, or its PEM. Default: none, they speak plaintext. */
  tlsCert?: string;
  /** The certificate's private key: its path, or its PEM. */
  tlsKey?: string;
  /** How large a request may be, packed or unpacked. Default: 4194304. */
  maxBodyBytes?: number;
  /** How large the headers of a request may be. Default: 16384. */
  maxHeaderBytes?: number;
  /** How many calls may be under way on one HTTP/2 connection. Default: 250. */
  maxConcurrentStreams?: number;
  /** How many connections there may be at each address. Default: 1000. */
  maxConnections?: number;
  /** How long a request may take to arrive. Default: `60s`. */
  requestTimeout?: Duration;
  /** Whether common calls take a shorter way than that through Connect's handlers; `off` is to compare. Default: `on`. */
  lean?: "on" | "off";
  /** The values of all switches that are not set on their own. Default: `documented`. */
  profile?: Profile;
  /** How long a registration stands unless it is renewed. Default: `30s`. */
  lease?: Duration;
  /** How long an exchange token can be exchanged. Default: `24h`. */
  exchangeTokenTtl?: Duration;
  /** How long a runner's access token works; `off`: as long as the runner's record is kept. Default: `off`. */
  accessTokenTtl?: Duration | "off";
  /** How long the record of a lapsed registration is kept at most. Default: `24h`. */
  lapsedTtl?: Duration;
  /** How many lapsed records a world keeps; beyond it the longest lapsed goes. Default: 100000. */
  maxLapsed?: number;
  /** Whether calls need a bearer token: with `open`, whoever has none acts as the default user. Default: `open`. */
  auth?: AuthMode;
  /** Tokens of users, by the users' names: `{ alice: "alice-token" }`. Default: none. */
  token?: Readonly<Record<string, string>>;
  /** Whom tokens stand for beyond users: the path of an identities document, or what it would hold. Default: none. */
  identities?: string | IdentitiesJson;
  /** What worlds know from the start: the path of a state document, or what it would hold. Default: a small one. */
  state?: string | StateJson;
  /** The organization's tier, as GetAuthenticatedIdentity names it. Default: `enterprise`. */
  organizationTier?: string;
  /** How many entries of the audit log a world keeps; beyond it the oldest goes. Default: 10000. */
  maxAuditLogEntries?: number;
  /** How many events may wait for one watcher; beyond it the watch is ended. Default: 100000. */
  maxWatchBacklog?: number;
  /** How many calls a world keeps in its log; beyond it the oldest goes. Default: 10000. */
  maxCalls?: number;
  /** About how many bytes the log of a world may take; beyond it the oldest call goes. Default: 16777216. */
  maxCallBytes?: number;
  /**
   * Where worlds are kept: `memory`, or the URL of a Redis or Valkey that several mocks share. All of them have to be
   * started with the same options. Default: `memory`.
   */
  store?: string;
  /** What is kept in a store other than memory is encrypted with it; all who share the store have the same. */
  storeKey?: string;
  /**
   * Whether worlds are unkind, within what the API allows: a seed from which everything is drawn, or `on` for one that
   * is drawn itself. Default: `off`.
   */
  adversity?: number | "on" | "off";
  /** How likely each kind of adversity meets a call that it can meet, above 0 and up to 1. Default: 0.2. */
  adversityLevel?: number;
  /** The kinds of adversity, as docs/adversity.md has them. Default: all. */
  adversityKinds?: readonly AdversityKind[];
  /** How many worlds there may be at once. Default: 1000. */
  maxWorlds?: number;
  /** How long a world may go unused before it goes; the default world stays. Default: `1h`. */
  worldIdle?: Duration;
}

export type OptionName = keyof RunnerMockOptions;

/** The options in the form that the server works with. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  /** Undefined: the one after `port`. */
  readonly controlPort: number | "off" | undefined;
  readonly controlToken: string | undefined;
  readonly logLevel: LogLevel;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly listening: Omit<Listening, "tls">;
  readonly auth: AuthMode;
  readonly userTokens: ReadonlyMap<string, string>;
  readonly identities: DocumentSource | undefined;
  readonly state: DocumentSource | undefined;
  readonly organizationTier: string;
  readonly store: string;
  readonly storeKey: string | undefined;
  /** `on`: the seed is drawn; `off`: there is none. */
  readonly adversity: Omit<AdversityInit, "seed"> & { readonly seed: number | "on" | "off" };
  readonly maxWorlds: number;
  readonly worldIdleMs: number;
  /** What all worlds have in common, but for what the documents say. */
  readonly world: Omit<WorldSettings, "adversity" | "state" | "organizationIds">;
}

/** An option with a value that it does not take. */
export class OptionError extends Error {
  readonly option: string;
  readonly got: string;
  readonly takes: string;

  /** @param got the value, as the message shows it */
  constructor(option: string, got: string, takes: string) {
    super(`option ${option}: got ${got}, takes ${takes}`);
    this.name = "OptionError";
    this.option = option;
    this.got = got;
    this.takes = takes;
  }
}

/** The error for an option of the table with a value that it does not take, which is shown unless it is secret. */
export function badValue(name: OptionName, value: unknown, takes: string): OptionError {
  return new OptionError(name, optionTable[name].secret ? "a value that is not shown" : shown(value), takes);
}

/** The options that are not switches. */
const ownOptions = {
  host: {
    ...text("address", "a host name or IP address", (value) => /^[^\s/]+$/.test(value)),
    does: "address to listen on; 0.0.0.0 lets other machines in",
    default: "127.0.0.1",
  },
  port: {
    ...port,
    does: "port to listen on; 0 picks a free one",
    default: "8080",
  },
  controlPort: {
    ...portOrOff,
    does: "port of the control service, by default the one after --port; 0 picks a free one; off: none",
  },
  controlToken: { ...secretText, does: "bearer token that the control service asks for" },
  publicUrl: {
    ...httpUrl,
    does: "base URL under which clients reach the mock, where it is not its address",
  },
  logLevel: { ...choice("level", logLevels), does: "how much is logged, to stderr", default: "info" },
  stopGrace: { ...duration, does: "how long calls under way may take once told to stop", default: "10s" },
  tlsCert: {
    ...pem("a certificate"),
    does: "speaks TLS with this certificate; those between it and the root may follow in the file",
  },
  tlsKey: { ...pem("a private key"), secret: true, does: "the certificate's private key" },
  maxBodyBytes: {
    ...wholeNumber("number", 1, 2 ** 30),
    does: "how large a request may be, packed or unpacked",
    // What servers of gRPC usually take.
    default: "4194304",
  },
  maxHeaderBytes: {
    ...wholeNumber("number", 1_024, 2 ** 20),
    does: "how large the headers of a request may be",
    default: "16384",
  },
  maxConcurrentStreams: {
    ...wholeNumber("number", 1, 100_000),
    does: "how many calls may be under way on one HTTP/2 connection",
    default: "250",
  },
  maxConnections: {
    ...wholeNumber("number", 1, 1_000_000),
    does: "how many connections there may be at each address",
    default: "1000",
  },
  requestTimeout: { ...positiveDuration, does: "how long a request may take to arrive", default: "60s" },
  lean: {
    ...choice("on|off", ["on", "off"]),
    does: "on: common calls take a shorter way than through Connect's handlers; off: to compare",
    default: "on",
  },
  profile: {
    ...choice("name", profiles),
    does: "values of all switches not set on their own",
    default: "documented",
  },
  lease: {
    ...positiveDuration,
    does: "how long a registration stands unless renewed",
    // DOC: registrations "must be renewed every 30 seconds".
    default: "30s",
  },
  exchangeTokenTtl: {
    ...positiveDuration,
    does: "how long an exchange token can be exchanged",
    default: "24h",
  },
  accessTokenTtl: {
    ...durationOrOff,
    does: "how long a runner's access token works; off: as long as the runner's record is kept",
    default: "off",
  },
  lapsedTtl: {
    ...duration,
    does: "how long the record of a lapsed registration is kept at most",
    default: "24h",
  },
  maxLapsed: {
    ...wholeNumber("number", 0, 10_000_000),
    does: "how many lapsed records a world keeps",
    default: "100000",
  },
  auth: {
    ...choice("mode", authModes),
    does: "open: who shows no token acts as the default user; required: calls need a valid bearer",
    default: "open",
  },
  token: { ...namedTokens, does: "adds a user with a bearer token; can be given more than once" },
  identities: {
    ...document("an identities document"),
    secret: true,
    does: "whom bearer tokens stand for: users, service accounts, runner managers, of any organization",
  },
  state: {
    ...document("a state document"),
    does: "what worlds know from the start: runners, what can be configured on them, source code hosts, gateways",
  },
  organizationTier: {
    ...text("tier", "a word such as free_ona, core or enterprise", (value) => /^\S+$/.test(value)),
    does: "the organization's tier, such as free_ona, core, enterprise",
    default: "enterprise",
  },
  maxAuditLogEntries: {
    ...wholeNumber("number", 0, 10_000_000),
    does: "how many entries of the audit log a world keeps",
    default: "10000",
  },
  maxWatchBacklog: {
    ...wholeNumber("number", 1, 10_000_000),
    does: "how many events may wait for one watcher before its watch is ended",
    default: "100000",
  },
  maxCalls: {
    ...wholeNumber("number", 0, 10_000_000),
    does: "how many calls a world keeps in its log",
    default: "10000",
  },
  maxCallBytes: {
    ...wholeNumber("number", 0, 2 ** 32),
    does: "about how many bytes the log of a world's calls may take",
    default: "16777216",
  },
  store: {
    ...store,
    does: "where worlds are kept: memory, or a Redis or Valkey that several mocks share",
    default: "memory",
  },
  storeKey: { ...storeKey, does: "what is kept in such a store is encrypted with it" },
  adversity: {
    ...seedOrOff,
    does: "is unkind to clients, within what the API allows, as drawn from the seed; without one, from one that is drawn",
    default: "off",
  },
  adversityLevel: {
    ...level,
    does: "how likely each kind of adversity meets a call that it can meet",
    default: String(defaultLevel),
  },
  adversityKinds: { ...adversityKindList, does: "which kinds of adversity there are; by default all" },
  maxWorlds: {
    ...wholeNumber("number", 1, 1_000_000),
    does: "how many worlds there may be at once",
    default: "1000",
  },
  worldIdle: { ...positiveDuration, does: "how long a world may go unused before it goes", default: "1h" },
} satisfies Record<Exclude<OptionName, SwitchName>, OptionRow>;

const switchOptions = Object.fromEntries(
  Object.entries(switchTable).map(([name, { values, decides }]) => [
    name,
    { ...choice(values.join("|"), values as readonly string[]), does: decides },
  ]),
) as Record<SwitchName, OptionRow<string>>;

/** Every option, in the order in which `--help` lists them. */
export const optionTable: Readonly<Record<OptionName, OptionRow>> = { ...ownOptions, ...switchOptions };

export const optionNames = Object.keys(optionTable) as OptionName[];

/** `exchangeTokenTtl` → `exchange-token-ttl`. */
export function flagOf(name: OptionName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The flag with what follows it: `--lease <duration>`, `--adversity [seed]`. */
export function flagWithValueOf(name: OptionName): string {
  const { placeholder, alone } = optionTable[name];
  return `--${flagOf(name)} ${alone === undefined ? `<${placeholder}>` : `[${placeholder}]`}`;
}

/** `exchangeTokenTtl` → `RUNNER_MOCK_EXCHANGE_TOKEN_TTL`. */
export function variableOf(name: OptionName): string {
  return `RUNNER_MOCK_${flagOf(name).replaceAll("-", "_").toUpperCase()}`;
}

/** Defaults that differ in process: nothing listens on a fixed port or writes to the terminal there. */
export const inProcessDefaults: RunnerMockOptions = { port: 0, controlPort: "off", logLevel: "silent" };

/**
 * Checks the options and fills in the defaults: those given here, or else the table's.
 *
 * @throws OptionError for an option that does not exist or does not take its value
 */
export function settingsOf(options: RunnerMockOptions, defaults: RunnerMockOptions = {}): Settings {
  for (const name of Object.keys(options)) {
    if (!Object.hasOwn(optionTable, name)) {
      throw new OptionError(name, shown(options[name as OptionName]), "nothing: there is none of that name");
    }
  }
  const own = <N extends keyof typeof ownOptions>(name: N) => read(name, options, defaults) as Value<N>;
  const switches = Object.keys(switchTable).map((name) => [
    name,
    read(name as SwitchName, options, defaults),
  ]);
  const accessTokenTtl = own("accessTokenTtl");
  return {
    host: own("host"),
    port: own("port"),
    controlPort: own("controlPort"),
    controlToken: own("controlToken"),
    logLevel: own("logLevel"),
    tlsCert: own("tlsCert"),
    tlsKey: own("tlsKey"),
    listening: {
      stopGraceMs: own("stopGrace"),
      maxBodyBytes: own("maxBodyBytes"),
      maxHeaderBytes: own("maxHeaderBytes"),
      maxConcurrentStreams: own("maxConcurrentStreams"),
      maxConnections: own("maxConnections"),
      requestTimeoutMs: own("requestTimeout"),
      lean: own("lean") === "on",
    },
    auth: own("auth"),
    userTokens: new Map(Object.entries(own("token") ?? {})),
    identities: own("identities"),
    state: own("state"),
    organizationTier: own("organizationTier"),
    store: own("store"),
    storeKey: own("storeKey"),
    adversity: { seed: own("adversity"), level: own("adversityLevel"), kinds: own("adversityKinds") },
    maxWorlds: own("maxWorlds"),
    worldIdleMs: own("worldIdle"),
    world: {
      leaseMs: own("lease"),
      exchangeTokenTtlMs: own("exchangeTokenTtl"),
      accessTokenTtlMs: accessTokenTtl === "off" ? undefined : accessTokenTtl,
      lapsedTtlMs: own("lapsedTtl"),
      maxLapsed: own("maxLapsed"),
      maxAuditLogEntries: own("maxAuditLogEntries"),
      maxWatchBacklog: own("maxWatchBacklog"),
      maxCalls: own("maxCalls"),
      maxCallBytes: own("maxCallBytes"),
      publicUrl: own("publicUrl")?.replace(/\/+$/, ""),
      switches: switchesOf(own("profile"), Object.fromEntries(switches)),
    },
  };
}

type Row<N extends keyof typeof ownOptions> = (typeof ownOptions)[N];
type ReadBy<R extends OptionRow> = Exclude<ReturnType<R["read"]>, undefined>;
/** What an option's value is once read: there always is one where the row has a default. */
type Value<N extends keyof typeof ownOptions> =
  Row<N> extends { readonly default: string } ? ReadBy<Row<N>> : ReadBy<Row<N>> | undefined;

function read(name: OptionName, options: RunnerMockOptions, defaults: RunnerMockOptions): unknown {
  const row = optionTable[name];
  const value = options[name] ?? defaults[name] ?? row.default;
  if (value === undefined) return undefined;
  const result = row.read(value);
  if (result === undefined) {
    throw badValue(name, value, row.takes);
  }
  return result;
}
