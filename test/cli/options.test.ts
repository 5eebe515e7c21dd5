/** What the command line takes: flags, variables, and what it says to those that are wrong. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, type ExpectStatic, expect } from "vitest";
import { flagOf, type OptionName, optionNames, optionTable, variableOf } from "../../src/options.ts";
import { profiles, type SwitchName, switchTable } from "../../src/profiles.ts";
import { environment, mainJs, type Running, test } from "../support/command-line.ts";
import { post, rpc } from "../support/post.ts";

const packageJson = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

describe("--help", () => {
  const help = execFileSync(process.execPath, [mainJs, "--help"], { encoding: "utf8", env: environment });
  const lineOf = (name: OptionName) =>
    help.split("\n").find((line) => line.trim().startsWith(`--${flagOf(name)} `));

  test.for(optionNames)("lists %s with its flag, what it does, its variable and its default", (name) => {
    const { placeholder, alone, does, default: fallback } = optionTable[name];
    const row = switchTable[name as SwitchName];
    const line = lineOf(name);
    const value = alone === undefined ? `<${placeholder}>` : `[${placeholder}]`;
    expect(line).toContain(`--${flagOf(name)} ${value} `);
    expect(line).toContain(does);
    expect(line).toContain(`env: ${variableOf(name)})`);
    if (fallback !== undefined) expect(line).toContain(`(default: ${fallback})`);
    else expect(line).not.toContain("default:");
    if (row !== undefined)
      for (const profile of profiles) expect(line).toContain(`${profile}: ${row[profile]}`);
  });

  test("lists nothing else, and the command for probes", () => {
    const flags = [...help.matchAll(/^ +--(\S+)/gm)].map(([, flag]) => flag);
    expect(flags.toSorted()).toEqual([...optionNames.map(flagOf), "help", "version"].toSorted());
    expect(help).toMatch(/^ +health \[url\] +\S/m);
    expect(help).toMatch(/^Usage: gitpod-runner-mock \[serve\] \[options\]$/m);
  });

  test.concurrent.for(["serve --help", "--help --port 0"])(
    "is all that %s does",
    async (args, { commandLine, expect }) => {
      expect(await commandLine.run(args.split(" "))).toEqual({ code: 0, stdout: help, stderr: "" });
    },
  );
});

test.concurrent.for(["--version", "serve --version"])(
  "%s prints the package's version",
  async (args, { commandLine, expect }) => {
    const stdout = `${packageJson.version}\n`;
    expect(await commandLine.run(args.split(" "))).toEqual({ code: 0, stdout, stderr: "" });
  },
);

/** One option of each kind, with a value that it does not take; in-process.test.ts has more. */
const bad: Partial<Readonly<Record<OptionName, string>>> = {
  host: "not a host",
  port: "65536",
  publicUrl: "example.com",
  logLevel: "loud",
  stopGrace: "soon",
  profile: "strict",
  lease: "30",
  accessTokenTtl: "never",
  token: "hush",
  organizationTier: "two words",
  lapse: "maybe",
  adversity: "-1",
  adversityLevel: "0",
  adversityKinds: "redirects,short-page",
};

describe("a value that is not taken ends the start with exit code 2 and one message:", () => {
  const table = Object.entries(bad).flatMap(([option, value]) => {
    const name = option as OptionName;
    const flag = `--${flagOf(name)}`;
    return [
      [flag, { name, value, args: [`${flag}=${value}`], variables: {} }],
      [variableOf(name), { name, value, args: [], variables: { [variableOf(name)]: value } }],
    ] as const;
  });
  test.concurrent.for(table)(
    "%s",
    async ([way, { name, value, args, variables }], { commandLine, expect }) => {
      const { code, stdout, stderr } = await commandLine.run(args, variables);
      expect([code, stdout]).toEqual([2, ""]);
      const [message = "", ...more] = stderr.trimEnd().split("\n");
      expect(more).toEqual(["(--help lists everything)"]);
      expect(message, "which").toContain(way);
      // A token may be a secret: it is not shown, also where it has a wrong form.
      if (optionTable[name].secret) expect(message).not.toContain(value);
      else expect(message, "what it got").toContain(`'${value}'`);
      expect(message, "what it takes").toContain(optionTable[name].takes);
    },
  );
});

test.concurrent.for([
  ["an unknown flag", ["--speed", "9"], "--speed"],
  ["an unknown flag of serve", ["serve", "--speed"], "--speed"],
  ["an unknown argument", ["server"], "server"],
  ["an unknown argument of serve", ["serve", "faster"], "faster"],
  [
    "an argument too many of health",
    ["health", "http://127.0.0.1:1", "http://127.0.0.1:2"],
    "http://127.0.0.1:2",
  ],
  ["a flag without its value", ["--lease"], "--lease"],
] as const)(
  "%s ends the start with exit code 2, and is named",
  async ([, args, named], { commandLine, expect }) => {
    const { code, stdout, stderr } = await commandLine.run(args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr.split("\n")[0]).toMatch(/^error: /);
    expect(stderr).toContain(named);
  },
);

/** Who a bearer is to a mock. */
function identity({ url }: Running, bearer?: string) {
  return post(url + rpc.getAuthenticatedIdentity, {}, authorization(bearer));
}

function authorization(bearer: string | undefined): Record<string, string> {
  return bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
}

const runner = { name: "My Runner", provider: "RUNNER_PROVIDER_AWS_EC2" };

/** Asks for a new runner until it has lapsed: with a lease of 1 ms that is at once, with another it is never. */
async function untilLapsed(expect: ExpectStatic, { url }: Running, bearer: string): Promise<void> {
  const created = await post(url + rpc.createRunner, runner, authorization(bearer));
  const { runnerId } = created.body.runner;
  let status = 200;
  while (status === 200) {
    ({ status } = await post(url + rpc.getRunner, { runnerId }, authorization(bearer)));
  }
  expect(status).toBe(404);
}

async function runnersOf({ url }: Running): Promise<unknown[]> {
  return (await post(url + rpc.listRunners, {})).body.runners ?? [];
}

/** Sees that each of these bearers is a user of its own, and that those others are nobody. */
async function letsIn(
  expect: ExpectStatic,
  mock: Running,
  users: readonly string[],
  others: readonly (string | undefined)[],
) {
  const ids = new Set<string>();
  for (const bearer of users) {
    const { subject } = (await identity(mock, bearer)).body;
    expect(subject).toEqual({ id: expect.any(String), principal: "PRINCIPAL_USER" });
    ids.add(subject.id);
  }
  expect(ids.size).toBe(users.length);
  for (const bearer of others) expect((await identity(mock, bearer)).status).toBe(401);
}

describe("a mock that is started with", () => {
  test.concurrent("nothing else is open, documented and of the enterprise tier", async ({
    commandLine,
    expect,
  }) => {
    const mock = await commandLine.serve();
    expect((await identity(mock)).body.organizationTier).toBe("enterprise");
    expect(await runnersOf(mock)).toEqual([]);
    const { status, body } = await post(mock.url + rpc.createRunner, { ...runner, unknown: 1 });
    expect([status, body.code]).toEqual([400, "invalid_argument"]);
    expect((await post(mock.url + rpc.createRunner, runner)).body.accessToken).toMatch(/^rmock_access_/);
  });

  test.concurrent("variables heeds them", async ({ commandLine, expect }) => {
    const mock = await commandLine.serve([], {
      RUNNER_MOCK_LEASE: "1ms",
      RUNNER_MOCK_AUTH: "required",
      RUNNER_MOCK_TOKEN: "alice=alice-token,bob=My Bearer Token",
      RUNNER_MOCK_ORGANIZATION_TIER: "core",
    });
    await letsIn(expect, mock, ["alice-token", "My Bearer Token"], [undefined, "carol-token"]);
    expect((await identity(mock, "alice-token")).body.organizationTier).toBe("core");
    await untilLapsed(expect, mock, "alice-token");
  });

  test.concurrent("flags and other variables heeds the flags", async ({ commandLine, expect }) => {
    const mock = await commandLine.serve(
      ["--lease=1ms", "--auth=required", "--token=alice=alice-token", "--token", "bob=My Bearer Token"],
      {
        RUNNER_MOCK_LEASE: "1h",
        RUNNER_MOCK_AUTH: "open",
        RUNNER_MOCK_TOKEN: "carol=carol-token",
        RUNNER_MOCK_ORGANIZATION_TIER: "core",
      },
    );
    await letsIn(expect, mock, ["alice-token", "My Bearer Token"], [undefined, "carol-token"]);
    expect((await identity(mock, "alice-token")).body.organizationTier).toBe("core");
    await untilLapsed(expect, mock, "alice-token");
  });

  test.concurrent("RUNNER_MOCK_PROFILE has all switches of the profile", async ({ commandLine, expect }) => {
    const mock = await commandLine.serve([], { RUNNER_MOCK_PROFILE: "observed" });
    expect(await runnersOf(mock)).toMatchObject([{ kind: "RUNNER_KIND_LOCAL_CONFIGURATION" }]);
    const { body } = await post(mock.url + rpc.createRunner, { ...runner, unknown: 1 });
    expect(body.runner.spec).toEqual({ desiredPhase: "RUNNER_PHASE_ACTIVE" });
    expect(body).not.toHaveProperty("accessToken");
  });

  test.concurrent("a profile and switches has the switches on top of the profile", async ({
    commandLine,
    expect,
  }) => {
    const mock = await commandLine.serve(["--profile", "observed", "--desired-phase-on-create", "keep"], {
      RUNNER_MOCK_LOCAL_CONFIGURATION_RUNNER: "absent",
    });
    expect(await runnersOf(mock)).toEqual([]);
    const { body } = await post(mock.url + rpc.createRunner, { ...runner, unknown: 1 });
    expect(body.runner).not.toHaveProperty("spec");
    expect(body).not.toHaveProperty("accessToken");
  });
});
