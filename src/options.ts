/**
 * Everything that can be set, in one table: flags, environment variables and the options of startRunnerMock are
 * made from it, so that they say the same with the same words and refuse the same values.
 */

import { type AuthMode, authModes } from "./domain/auth-mode.ts";
import { type Duration, durationMs } from "./duration.ts";
import { type LogLevel, logLevels } from "./log.ts";
import {
  type Profile,
  profiles,
  type Switches,
  type SwitchName,
  switchesOf,
  switchTable,
} from "./profiles.ts";
import type { WorldSettings } from "./world.ts";

/** What `startRunnerMock` takes. All of it is optional; every switch of the profile table can be set, too. */
export interface RunnerMockOptions extends Partial<Switches> {
  /** The address to listen on. Default: `127.0.0.1`, so that only this machine gets in. */
  host?: string;
  /** The port to listen on; 0 picks a free one. Default: 0 in process, 8080 on the command line. */
  port?: number;
  /** The base URL under which clients reach the mock, where it is not the address it listens on. */
  publicUrl?: string;
  /** How much is logged. Default: `silent` in process, `info` on the command line. */
  logLevel?: LogLevel;
  /** How long calls under way may take once the mock is told to stop. Default: `10s`. */
  stopGrace?: Duration;
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
  /** The organization's tier, as GetAuthenticatedIdentity names it. Default: `enterprise`. */
  organizationTier?: string;
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
  readonly publicUrl: string | undefined;
  readonly logLevel: LogLevel;
  readonly stopGraceMs: number;
  readonly auth: AuthMode;
  readonly userTokens: ReadonlyMap<string, string>;
  readonly organizationTier: string;
  readonly maxWorlds: number;
  readonly worldIdleMs: number;
  readonly world: WorldSettings;
}

/** An option with a value that it does not take. */
export class OptionError extends Error {
  readonly option: string;
  readonly takes: string;

  constructor(option: string, got: unknown, takes: string) {
    super(`option ${option}: got ${JSON.stringify(got) ?? String(got)}, takes ${takes}`);
    this.name = "OptionError";
    this.option = option;
    this.takes = takes;
  }
}

export interface OptionRow<T = unknown> {
  /** What it does, as `--help` says it. */
  readonly does: string;
  /** Its default on the command line, as one would write it; absent: none. */
  readonly default?: string;
  /** What stands for the value in `--help`. */
  readonly placeholder: string;
  /** What it takes, in the words of an error. */
  readonly takes: string;
  /** The value, from a text or from a value of the option's type; undefined where it is neither. */
  readonly read: (value: unknown) => T | undefined;
  /** Whether the flag can be given more than once. */
  readonly repeatable?: boolean;
}

const text = (placeholder: string, takes: string, isValid: (value: string) => boolean) => ({
  placeholder,
  takes,
  read: (value: unknown) => (typeof value === "string" && isValid(value) ? value : undefined),
});

const wholeNumber = (placeholder: string, min: number, max: number) => ({
  placeholder,
  takes: `a whole number from ${min} to ${max}`,
  read: (value: unknown) => {
    const number = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value;
    return Number.isInteger(number) && Number(number) >= min && Number(number) <= max
      ? Number(number)
      : undefined;
  },
});

const choice = <const T extends string>(placeholder: string, values: readonly T[]) => ({
  placeholder,
  takes: `one of ${values.join(", ")}`,
  read: (value: unknown) => values.find((candidate) => candidate === value),
});

const duration = {
  placeholder: "duration",
  takes: 'a duration such as "500ms", "30s" or "24h"',
  read: (value: unknown) => {
    try {
      return typeof value === "string" || typeof value === "number" ? durationMs(value) : undefined;
    } catch {
      return undefined;
    }
  },
};

const positiveDuration = {
  ...duration,
  read: (value: unknown) => duration.read(value) || undefined,
};

const durationOrOff = {
  placeholder: "duration",
  takes: `${duration.takes}, or "off"`,
  read: (value: unknown) => (value === "off" ? ("off" as const) : positiveDuration.read(value)),
};

const namedTokens = {
  placeholder: "name=value",
  takes: "NAME=VALUE, both not empty; several in one variable are separated by commas",
  repeatable: true,
  read: (value: unknown) => {
    const entries =
      typeof value === "string"
        ? value.split(",").map((pair) => /^([^=]+)=(.+)$/.exec(pair)?.slice(1) ?? [])
        : Object.entries(typeof value === "object" && value !== null ? value : { "": "" });
    const valid = entries.every(([name, token]) => name && typeof token === "string" && token);
    return valid ? (Object.fromEntries(entries) as Record<string, string>) : undefined;
  },
};

const isHttpUrl = (value: string) => URL.canParse(value) && /^https?:/.test(value);

/** The options that are not switches. */
const ownOptions = {
  host: {
    ...text("address", "a host name or IP address", (value) => /^[^\s/]+$/.test(value)),
    does: "address to listen on; 0.0.0.0 lets other machines in",
    default: "127.0.0.1",
  },
  port: {
    ...wholeNumber("number", 0, 65_535),
    does: "port to listen on; 0 picks a free one",
    default: "8080",
  },
  publicUrl: {
    ...text("url", "an http or https URL", isHttpUrl),
    does: "base URL under which clients reach the mock, where it is not its address",
  },
  logLevel: { ...choice("level", logLevels), does: "how much is logged, to stderr", default: "info" },
  stopGrace: { ...duration, does: "how long calls under way may take once told to stop", default: "10s" },
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
  organizationTier: {
    ...text("tier", "a word", (value) => /^\S+$/.test(value)),
    does: "the organization's tier: free_ona, core, enterprise",
    default: "enterprise",
  },
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

/** `exchangeTokenTtl` → `RUNNER_MOCK_EXCHANGE_TOKEN_TTL`. */
export function variableOf(name: OptionName): string {
  return `RUNNER_MOCK_${flagOf(name).replaceAll("-", "_").toUpperCase()}`;
}

/** Defaults that differ in process: nothing listens on a fixed port or writes to the terminal there. */
export const inProcessDefaults: RunnerMockOptions = { port: 0, logLevel: "silent" };

/**
 * Checks the options and fills in the defaults: those given here, or else the table's.
 *
 * @throws OptionError for an option that does not exist or does not take its value
 */
export function settingsOf(options: RunnerMockOptions, defaults: RunnerMockOptions = {}): Settings {
  for (const name of Object.keys(options)) {
    if (!(name in optionTable))
      throw new OptionError(name, options[name as OptionName], "nothing: there is none of that name");
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
    publicUrl: own("publicUrl")?.replace(/\/+$/, ""),
    logLevel: own("logLevel"),
    stopGraceMs: own("stopGrace"),
    auth: own("auth"),
    userTokens: new Map(Object.entries(own("token") ?? {})),
    organizationTier: own("organizationTier"),
    maxWorlds: own("maxWorlds"),
    worldIdleMs: own("worldIdle"),
    world: {
      leaseMs: own("lease"),
      exchangeTokenTtlMs: own("exchangeTokenTtl"),
      accessTokenTtlMs: accessTokenTtl === "off" ? undefined : accessTokenTtl,
      lapsedTtlMs: own("lapsedTtl"),
      maxLapsed: own("maxLapsed"),
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
  if (result === undefined) throw new OptionError(name, value, row.takes);
  return result;
}
