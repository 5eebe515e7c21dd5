/** Every option, with values that it takes and values that it does not, as settings and in its error. */
import { describe, expect, test } from "vitest";
import { adversityKinds } from "../src/domain/adversity/kind.ts";
import { startRunnerMock } from "../src/index.ts";
import {
  flagOf,
  OptionError,
  type OptionName,
  optionNames,
  optionTable,
  type RunnerMockOptions,
  type Settings,
  settingsOf,
  variableOf,
} from "../src/options.ts";
import { type SwitchName, switchTable } from "../src/profiles.ts";

interface Row {
  readonly flag: string;
  readonly variable: string;
  /** Where the setting is found. */
  readonly in: (settings: Settings) => unknown;
  readonly default: unknown;
  /** What can be given, and what it becomes. */
  readonly good: readonly (readonly [given: unknown, setting: unknown])[];
  readonly bad: readonly unknown[];
  /** Whether an error must not show what it got. */
  readonly secret?: boolean;
}

const hour = 3_600_000;
const badDurations = [
  "",
  "30",
  "soon",
  "-1s",
  "1h 30m",
  -1,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 44,
  true,
  {},
  [],
];
const goodDurations = [
  ["1ms", 1],
  ["30s", 30_000],
  ["1.5h", 1.5 * hour],
  [250, 250],
  ["250 ms", 250],
] as const;
const badNumbers = [
  "",
  "x",
  "1.5",
  "1e3",
  "0x10",
  " 80",
  "80 ",
  "-1",
  -1,
  1.5,
  Number.NaN,
  true,
  [],
  {},
  80n,
];

const ownRows: Record<Exclude<OptionName, SwitchName>, Row> = {
  host: {
    flag: "host",
    variable: "RUNNER_MOCK_HOST",
    in: ({ host }) => host,
    default: "127.0.0.1",
    good: ["0.0.0.0", "::1", "localhost", "mock.example.com"].map((host) => [host, host]),
    bad: ["", " ", "a b", "http://localhost", "localhost/", 1, true, {}],
  },
  port: {
    flag: "port",
    variable: "RUNNER_MOCK_PORT",
    in: ({ port }) => port,
    default: 8080,
    good: [
      [0, 0],
      ["0", 0],
      [65_535, 65_535],
      ["8080", 8080],
    ],
    bad: [...badNumbers, 65_536, "65536"],
  },
  controlPort: {
    flag: "control-port",
    variable: "RUNNER_MOCK_CONTROL_PORT",
    in: ({ controlPort }) => controlPort,
    default: undefined,
    good: [
      [0, 0],
      ["9090", 9090],
      ["off", "off"],
    ],
    bad: [...badNumbers, 65_536, "on", true],
  },
  controlToken: {
    flag: "control-token",
    variable: "RUNNER_MOCK_CONTROL_TOKEN",
    in: ({ controlToken }) => controlToken,
    default: undefined,
    good: [
      ["secret", "secret"],
      ["My Bearer Token", "My Bearer Token"],
    ],
    secret: true,
    bad: ["", " ", " secret", "secret ", 1, true, {}],
  },
  publicUrl: {
    flag: "public-url",
    variable: "RUNNER_MOCK_PUBLIC_URL",
    in: ({ world }) => world.publicUrl,
    default: undefined,
    good: [
      ["https://mock.example.com", "https://mock.example.com"],
      ["http://localhost:8080/", "http://localhost:8080"],
      ["http://localhost/base//", "http://localhost/base"],
    ],
    bad: ["", "localhost:8080", "ftp://localhost", "//localhost", "http://", "javascript:alert(1)", 8080],
  },
  logLevel: {
    flag: "log-level",
    variable: "RUNNER_MOCK_LOG_LEVEL",
    in: ({ logLevel }) => logLevel,
    default: "info",
    good: ["silent", "error", "warn", "info", "debug"].map((level) => [level, level]),
    bad: ["", "verbose", "INFO", 30, true],
  },
  stopGrace: {
    flag: "stop-grace",
    variable: "RUNNER_MOCK_STOP_GRACE",
    in: ({ listening }) => listening.stopGraceMs,
    default: 10_000,
    good: [...goodDurations, ["0s", 0], [0, 0]],
    bad: [...badDurations, "off"],
  },
  tlsCert: {
    flag: "tls-cert",
    variable: "RUNNER_MOCK_TLS_CERT",
    in: ({ tlsCert }) => tlsCert,
    default: undefined,
    good: [["tls/cert.pem", "tls/cert.pem"]],
    bad: ["", 1, true, {}, []],
  },
  tlsKey: {
    flag: "tls-key",
    variable: "RUNNER_MOCK_TLS_KEY",
    in: ({ tlsKey }) => tlsKey,
    default: undefined,
    good: [["tls/key.pem", "tls/key.pem"]],
    secret: true,
    bad: ["", 1, true, {}, []],
  },
  store: {
    flag: "store",
    variable: "RUNNER_MOCK_STORE",
    in: ({ store }) => store,
    default: "memory",
    good: [
      ["memory", "memory"],
      ["redis://127.0.0.1:6379", "redis://127.0.0.1:6379"],
      ["rediss://user:secret@store.example.com/3", "rediss://user:secret@store.example.com/3"],
    ],
    secret: true,
    bad: ["", "redis", "redis://", "http://store.example.com", "redis://store?a=b", 1, true, {}],
  },
  storeKey: {
    flag: "store-key",
    variable: "RUNNER_MOCK_STORE_KEY",
    in: ({ storeKey }) => storeKey,
    default: undefined,
    good: [["0123456789abcdef", "0123456789abcdef"]],
    secret: true,
    bad: ["", "0123456789abcde", 1, true, {}],
  },
  maxBodyBytes: {
    flag: "max-body-bytes",
    variable: "RUNNER_MOCK_MAX_BODY_BYTES",
    in: ({ listening }) => listening.maxBodyBytes,
    default: 4 * 1024 * 1024,
    good: [
      [1, 1],
      ["1073741824", 1024 ** 3],
    ],
    bad: [...badNumbers, 0, 1024 ** 3 + 1],
  },
  maxHeaderBytes: {
    flag: "max-header-bytes",
    variable: "RUNNER_MOCK_MAX_HEADER_BYTES",
    in: ({ listening }) => listening.maxHeaderBytes,
    default: 16 * 1024,
    good: [
      [1024, 1024],
      ["1048576", 1024 ** 2],
    ],
    bad: [...badNumbers, 1023, 1024 ** 2 + 1],
  },
  maxConcurrentStreams: {
    flag: "max-concurrent-streams",
    variable: "RUNNER_MOCK_MAX_CONCURRENT_STREAMS",
    in: ({ listening }) => listening.maxConcurrentStreams,
    default: 250,
    good: [
      [1, 1],
      ["100000", 100_000],
    ],
    bad: [...badNumbers, 0, 100_001],
  },
  maxConnections: {
    flag: "max-connections",
    variable: "RUNNER_MOCK_MAX_CONNECTIONS",
    in: ({ listening }) => listening.maxConnections,
    default: 1000,
    good: [
      [1, 1],
      ["1000000", 1_000_000],
    ],
    bad: [...badNumbers, 0, 1_000_001],
  },
  requestTimeout: {
    flag: "request-timeout",
    variable: "RUNNER_MOCK_REQUEST_TIMEOUT",
    in: ({ listening }) => listening.requestTimeoutMs,
    default: 60_000,
    good: goodDurations,
    bad: [...badDurations, "0s", 0, "off"],
  },
  lean: {
    flag: "lean",
    variable: "RUNNER_MOCK_LEAN",
    in: ({ listening }) => listening.lean,
    default: true,
    good: [
      ["on", true],
      ["off", false],
    ],
    bad: ["", "yes", true, 1, {}],
  },
  profile: {
    flag: "profile",
    variable: "RUNNER_MOCK_PROFILE",
    in: ({ world }) => world.switches.lapse,
    default: "remove",
    good: [
      ["documented", "remove"],
      ["observed", "deactivate"],
      ["permissive", "never"],
    ],
    bad: ["", "Documented", "strict", 1, true],
  },
  lease: {
    flag: "lease",
    variable: "RUNNER_MOCK_LEASE",
    in: ({ world }) => world.leaseMs,
    default: 30_000,
    good: goodDurations,
    bad: [...badDurations, "0s", 0, 0.4, "off"],
  },
  exchangeTokenTtl: {
    flag: "exchange-token-ttl",
    variable: "RUNNER_MOCK_EXCHANGE_TOKEN_TTL",
    in: ({ world }) => world.exchangeTokenTtlMs,
    default: 24 * hour,
    good: goodDurations,
    bad: [...badDurations, "0s", 0, "off"],
  },
  accessTokenTtl: {
    flag: "access-token-ttl",
    variable: "RUNNER_MOCK_ACCESS_TOKEN_TTL",
    in: ({ world }) => world.accessTokenTtlMs,
    default: undefined,
    good: [...goodDurations, ["off", undefined]],
    bad: [...badDurations, "0s", 0, "Off", "never"],
  },
  lapsedTtl: {
    flag: "lapsed-ttl",
    variable: "RUNNER_MOCK_LAPSED_TTL",
    in: ({ world }) => world.lapsedTtlMs,
    default: 24 * hour,
    good: [...goodDurations, ["0s", 0]],
    bad: [...badDurations, "off"],
  },
  maxLapsed: {
    flag: "max-lapsed",
    variable: "RUNNER_MOCK_MAX_LAPSED",
    in: ({ world }) => world.maxLapsed,
    default: 100_000,
    good: [
      [0, 0],
      ["12", 12],
      [10_000_000, 10_000_000],
    ],
    bad: [...badNumbers, 10_000_001],
  },
  auth: {
    flag: "auth",
    variable: "RUNNER_MOCK_AUTH",
    in: ({ auth }) => auth,
    default: "open",
    good: ["open", "required"].map((mode) => [mode, mode]),
    bad: ["", "none", "Open", true, false],
  },
  token: {
    flag: "token",
    variable: "RUNNER_MOCK_TOKEN",
    in: ({ userTokens }) => Object.fromEntries(userTokens),
    default: {},
    good: [
      ["alice=secret", { alice: "secret" }],
      ["alice=secret,bob=My Bearer Token", { alice: "secret", bob: "My Bearer Token" }],
      ["alice=a=b==", { alice: "a=b==" }],
      [
        { alice: "secret", bob: "a,b" },
        { alice: "secret", bob: "a,b" },
      ],
      [{}, {}],
    ],
    secret: true,
    bad: [
      "",
      "alice",
      "alice=",
      "=secret",
      "alice=secret,",
      "alice=secret,bob",
      "alice,bob=secret",
      { alice: "" },
      { "": "secret" },
      { alice: 1 },
      { alice: undefined },
      ["alice=secret"],
      1,
      true,
    ],
  },
  identities: {
    flag: "identities",
    variable: "RUNNER_MOCK_IDENTITIES",
    in: ({ identities }) => identities,
    default: undefined,
    good: [
      ["identities.yaml", "identities.yaml"],
      [{ identities: [] }, { identities: [] }],
    ],
    secret: true,
    bad: ["", 1, true, [], ["identities.yaml"]],
  },
  state: {
    flag: "state",
    variable: "RUNNER_MOCK_STATE",
    in: ({ state }) => state,
    default: undefined,
    good: [
      ["state.yaml", "state.yaml"],
      [{ gateways: [] }, { gateways: [] }],
    ],
    bad: ["", 1, true, []],
  },
  maxAuditLogEntries: {
    flag: "max-audit-log-entries",
    variable: "RUNNER_MOCK_MAX_AUDIT_LOG_ENTRIES",
    in: ({ world }) => world.maxAuditLogEntries,
    default: 10_000,
    good: [
      [0, 0],
      ["12", 12],
      [10_000_000, 10_000_000],
    ],
    bad: [...badNumbers, 10_000_001],
  },
  maxWatchBacklog: {
    flag: "max-watch-backlog",
    variable: "RUNNER_MOCK_MAX_WATCH_BACKLOG",
    in: ({ world }) => world.maxWatchBacklog,
    default: 100_000,
    good: [
      [1, 1],
      ["12", 12],
      [10_000_000, 10_000_000],
    ],
    bad: [...badNumbers, 0, "0", 10_000_001],
  },
  organizationTier: {
    flag: "organization-tier",
    variable: "RUNNER_MOCK_ORGANIZATION_TIER",
    in: ({ organizationTier }) => organizationTier,
    default: "enterprise",
    good: ["free_ona", "core", "enterprise", "something_new"].map((tier) => [tier, tier]),
    bad: ["", " ", "a b", 1, true],
  },
  maxCalls: {
    flag: "max-calls",
    variable: "RUNNER_MOCK_MAX_CALLS",
    in: ({ world }) => world.maxCalls,
    default: 10_000,
    good: [
      [0, 0],
      ["12", 12],
      [10_000_000, 10_000_000],
    ],
    bad: [...badNumbers, 10_000_001],
  },
  maxCallBytes: {
    flag: "max-call-bytes",
    variable: "RUNNER_MOCK_MAX_CALL_BYTES",
    in: ({ world }) => world.maxCallBytes,
    default: 16 * 1024 * 1024,
    good: [
      [0, 0],
      ["12", 12],
      [2 ** 32, 2 ** 32],
    ],
    bad: [...badNumbers, 2 ** 32 + 1],
  },
  adversity: {
    flag: "adversity",
    variable: "RUNNER_MOCK_ADVERSITY",
    in: ({ adversity }) => adversity.seed,
    default: "off",
    good: [
      ["on", "on"],
      ["off", "off"],
      [0, 0],
      ["42", 42],
      [2 ** 32 - 1, 4_294_967_295],
    ],
    bad: [...badNumbers, 2 ** 32, "maybe", false],
  },
  adversityLevel: {
    flag: "adversity-level",
    variable: "RUNNER_MOCK_ADVERSITY_LEVEL",
    in: ({ adversity }) => adversity.level,
    default: 0.2,
    good: [
      [1, 1],
      ["1", 1],
      ["0.05", 0.05],
      [".5", 0.5],
      [0.001, 0.001],
    ],
    bad: ["", "x", 0, "0", 1.1, "1.1", -0.5, "-0.5", "1e-1", " 1", Number.NaN, true, [], {}],
  },
  adversityKinds: {
    flag: "adversity-kinds",
    variable: "RUNNER_MOCK_ADVERSITY_KINDS",
    in: ({ adversity }) => adversity.kinds,
    default: undefined,
    good: [
      ["redirects", ["redirects"]],
      // In the order in which they are drawn.
      ["short-pages, redirects", ["redirects", "short-pages"]],
      [
        ["short-pages", "redirects"],
        ["redirects", "short-pages"],
      ],
      [[...adversityKinds], adversityKinds],
    ],
    bad: ["", "shortPages", "redirects,short-page", "redirects,", [], 1, true, {}],
  },
  maxWorlds: {
    flag: "max-worlds",
    variable: "RUNNER_MOCK_MAX_WORLDS",
    in: ({ maxWorlds }) => maxWorlds,
    default: 1000,
    good: [
      [1, 1],
      ["12", 12],
      [1_000_000, 1_000_000],
    ],
    bad: [...badNumbers, 0, "0", 1_000_001],
  },
  worldIdle: {
    flag: "world-idle",
    variable: "RUNNER_MOCK_WORLD_IDLE",
    in: ({ worldIdleMs }) => worldIdleMs,
    default: hour,
    good: goodDurations,
    bad: [...badDurations, "0s", 0, "off"],
  },
};

const switchRow = (name: SwitchName, flag: string): Row => ({
  flag,
  variable: `RUNNER_MOCK_${flag.replaceAll("-", "_").toUpperCase()}`,
  in: ({ world }) => world.switches[name],
  default: switchTable[name].documented,
  good: switchTable[name].values.map((value) => [value, value]),
  bad: ["", "maybe", switchTable[name].values[0].toUpperCase(), true, false, 0, 1, {}],
});

const rows: Record<OptionName, Row> = {
  ...ownRows,
  lapse: switchRow("lapse", "lapse"),
  validation: switchRow("validation", "validation"),
  unknownJson: switchRow("unknownJson", "unknown-json"),
  unknownIds: switchRow("unknownIds", "unknown-ids"),
  unknownExchangeToken: switchRow("unknownExchangeToken", "unknown-exchange-token"),
  desiredPhaseOnCreate: switchRow("desiredPhaseOnCreate", "desired-phase-on-create"),
  desiredPhaseOnUpdate: switchRow("desiredPhaseOnUpdate", "desired-phase-on-update"),
  adminPolicies: switchRow("adminPolicies", "admin-policies"),
  auditLogs: switchRow("auditLogs", "audit-logs"),
  localConfigurationRunner: switchRow("localConfigurationRunner", "local-configuration-runner"),
  secondManagedRunner: switchRow("secondManagedRunner", "second-managed-runner"),
  managedRunners: switchRow("managedRunners", "managed-runners"),
  delete: switchRow("delete", "delete"),
  legacyAccessToken: switchRow("legacyAccessToken", "legacy-access-token"),
  metricsPassword: switchRow("metricsPassword", "metrics-password"),
};

const named = Object.entries(rows) as [OptionName, Row][];

/** How an error shows a value. */
function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  return typeof value === "object" ? (JSON.stringify(value) ?? "") : String(value);
}

test("the table of this test has each option", () => {
  expect(Object.keys(rows).sort()).toEqual(optionNames.toSorted());
});

describe.for(named)("the option %s", ([name, row]) => {
  test("has its flag, its variable and its default", () => {
    expect([flagOf(name), variableOf(name)]).toEqual([row.flag, row.variable]);
    expect(row.in(settingsOf({}))).toEqual(row.default);
    // Whoever sets it to undefined has not set it.
    expect(row.in(settingsOf({ [name]: undefined }))).toEqual(row.default);
  });

  test("takes what it takes", () => {
    for (const [given, setting] of row.good) {
      expect([given, row.in(settingsOf({ [name]: given }))]).toEqual([given, setting]);
    }
  });

  test("can be written for a flag or a variable, unless it is what a file would hold", () => {
    const { placeholder, read, write = String } = optionTable[name];
    if (placeholder === "file") return;
    for (const [given] of row.good) {
      // An empty variable is none, and a comma ends a token.
      const unsayable = typeof given === "object" && /^$|a,b/.test(write(given));
      if (!unsayable) expect([given, read(write(given))]).toEqual([given, read(given)]);
    }
  });

  test("refuses the rest: the error says which option, what it got and what it takes", () => {
    const { takes } = optionTable[name];
    const got = (value: unknown) => (row.secret ? "a value that is not shown" : shown(value));
    const messages = row.bad.map((value) => errorOf({ [name]: value })?.message ?? `takes ${shown(value)}`);
    expect(messages).toEqual(row.bad.map((value) => `option ${name}: got ${got(value)}, takes ${takes}`));
    expect(errorOf({ [name]: row.bad[0] })).toMatchObject({ name: "OptionError", option: name, takes });
  });
});

describe("options together", () => {
  test.for([
    "leaze",
    "Lease",
    "RUNNER_MOCK_LEASE",
    "exchange-token-ttl",
    "",
    "toString",
    "constructor",
    "hasOwnProperty",
  ])("with one that does not exist are refused: %j", (name) => {
    const error = errorOf({ lease: "5s", [name]: "30s" });
    expect(error).toBeInstanceOf(OptionError);
    expect(error).toMatchObject({ option: name });
    expect(error?.message).toContain('"30s"');
  });

  test("of a switch win over the profile, whichever comes first", () => {
    for (const options of [
      { profile: "permissive", validation: "strict" },
      { validation: "strict", profile: "permissive" },
    ] as const) {
      expect(settingsOf(options).world.switches).toMatchObject({ validation: "strict", lapse: "never" });
    }
  });

  test("win over the caller's defaults, and those over the table's", () => {
    expect(settingsOf({ port: 1 }, { port: 2, lease: "5s" })).toMatchObject({
      port: 1,
      world: { leaseMs: 5000 },
    });
    expect(settingsOf({}, { port: 2 }).port).toBe(2);
  });

  test("do not share what they are given: a token added later is not known", () => {
    const token: Record<string, string> = { alice: "secret" };
    const { userTokens } = settingsOf({ token });
    token.bob = "late";
    expect([...userTokens.keys()]).toEqual(["alice"]);
  });

  test("say in --help what they do, what they take and what stands for the value", () => {
    for (const name of optionNames) {
      const { does, takes, placeholder } = optionTable[name];
      for (const text of [does, takes, placeholder])
        expect([name, text.trim()]).toEqual([name, expect.stringMatching(/\w/)]);
    }
  });

  test("have flags and variables of their own", () => {
    expect(new Set(optionNames.map(flagOf)).size).toBe(optionNames.length);
    expect(new Set(optionNames.map(variableOf)).size).toBe(optionNames.length);
  });
});

describe("startRunnerMock", () => {
  test("refuses a bad option, and nothing listens", async () => {
    const start = startRunnerMock({ lease: "soon" });
    await expect(start).rejects.toThrow('option lease: got "soon", takes a duration');
    await expect(start).rejects.toBeInstanceOf(OptionError);
  });

  test("listens on a free port of this machine, and says nothing", async () => {
    const [one, other] = [
      await startRunnerMock(),
      await startRunnerMock({ publicUrl: "https://mock.example.com/" }),
    ];
    try {
      expect(new URL(one.url)).toMatchObject({ hostname: "127.0.0.1", protocol: "http:" });
      expect(one.url).not.toBe(other.url);
      expect([one.publicUrl, other.publicUrl]).toEqual([one.url, "https://mock.example.com"]);
    } finally {
      await one.close();
      await other.close();
    }
  });
});

function errorOf(options: Record<string, unknown>): Error | undefined {
  try {
    settingsOf(options as RunnerMockOptions);
  } catch (error) {
    return error as Error;
  }
  return undefined;
}
