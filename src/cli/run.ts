/**
 * The command line. The only part that reads arguments, the environment and the terminal, or ends the process. Loading
 * it does none of that yet.
 */
import { readFileSync } from "node:fs";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { baseUrl } from "../base-url.ts";
import { type OptionRow, positiveDuration, wholeNumber } from "../option-kinds.ts";
import {
  flagOf,
  flagWithValueOf,
  OptionError,
  type OptionName,
  optionNames,
  optionTable,
  type RunnerMockOptions,
  variableOf,
} from "../options.ts";
import { profiles, type SwitchName, switchTable } from "../profiles.ts";
import type { CampaignFlags } from "./adversity.ts";

/** Exit codes: 0 done, 1 failed, 2 called wrongly. */
const calledWrongly = 2;

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const program = new Command("gitpod-runner-mock")
  .usage(
    "[serve] [options]\n       gitpod-runner-mock health [url]\n       gitpod-runner-mock adversity [options] -- <command...>",
  )
  .description("Starts a mock and reference server for the gitpod.v1.RunnerService API.")
  .version(version, "--version", "print the version and exit")
  .helpOption("--help", "print this help and exit")
  .helpCommand(false)
  .showHelpAfterError("(--help lists everything)")
  .exitOverride()
  .allowExcessArguments()
  .action(async (flags: RunnerMockOptions) => {
    refuseBeyond(program, 0);
    const { serve } = await import("./serve.ts");
    process.exitCode = await serve(flags);
  });
for (const name of optionNames) program.addOption(commanderOption(name));

const healthCommand = program
  .command("health")
  .description("ask a running mock whether it is ready; exits with 0 if so, else with 1")
  .argument("[url]", "its base URL; without it, the one that --host and --port say")
  .helpOption("--help", "print this help and exit")
  .exitOverride()
  .allowExcessArguments()
  .action(async (argument: string | undefined) => {
    refuseBeyond(healthCommand, 1);
    // By default where a mock with the same flags and environment listens.
    const { host = optionTable.host.default, port = optionTable.port.default, tlsCert } = program.opts();
    const url = argument ?? baseUrl(tlsCert === undefined ? "http" : "https", host, port);
    const { health } = await import("./health.ts");
    process.exitCode = await health(url);
  });

program
  .command("adversity")
  .usage("[options] -- <command...>")
  .description("run a client's test command under many seeds, and say which kinds of adversity break it")
  .argument("<command...>", "what to run: its exit code says whether it got through")
  .addOption(ownOption("--runs <number>", "under how many seeds", wholeNumber("number", 1, 1_000_000), "100"))
  .addOption(
    ownOption(
      "--jobs <number>",
      "how many runs there are at once (default: as many as there are processors)",
      wholeNumber("number", 1, 1_000),
    ),
  )
  .addOption(ownOption("--run-timeout <duration>", "how long a run may take", positiveDuration, "60s"))
  .addHelpText(
    "after",
    `
The options of the mock are understood as well; --adversity <seed> is the seed of the first run, the others count on.
Each run has a world of its own. The command finds it by these variables:
  RUNNER_MOCK_URL    its base URL; RUNNER_MOCK_WORLD is its name, for gRPC's header runner-mock-world
  GITPOD_BASE_URL    the same with /api, as the official SDKs read it; so are ONA_BASE_URL and TEST_API_BASE_URL
Exit codes: 0 nothing broke the command, 1 something did, 2 it fails without any adversity, or was called wrongly.`,
  )
  .helpOption("--help", "print this help and exit")
  .exitOverride()
  .action(async (command: [string, ...string[]], own: CampaignFlags) => {
    const { adversity } = await import("./adversity.ts");
    process.exitCode = await adversity(command, own, program.opts());
  });

/** An option of one command alone. */
function ownOption(
  flags: string,
  does: string,
  { read, takes }: Pick<OptionRow, "read" | "takes">,
  fallback?: string,
): Option {
  const option = new Option(flags, does).argParser((value: string) => {
    const result = read(value);
    if (result === undefined) throw new InvalidArgumentError(`It takes ${takes}.`);
    return result;
  });
  return fallback === undefined ? option : option.default(read(fallback), fallback);
}

/** Commander counts arguments that are too many; this names the first of them. */
function refuseBeyond(command: Command, count: number): void {
  const extra = command.args[count];
  if (extra !== undefined) command.error(`error: unknown argument '${extra}'`);
}

function commanderOption(name: OptionName): Option {
  const { does, alone, takes, read, repeatable, secret } = optionTable[name];
  const option = new Option(flagWithValueOf(name), `${does}${defaultsOf(name)}`)
    .preset(alone)
    .env(variableOf(name))
    .helpGroup(name in switchTable ? "Switches (their defaults are the profile's):" : "Options:");
  // The value is handed on as written: settingsOf reads it as it reads the options in process.
  return option.argParser((value: string, previous: unknown) => {
    if (!secret && read(value) === undefined) throw new InvalidArgumentError(`It takes ${takes}.`);
    return repeatable && typeof previous === "string" ? `${previous},${value}` : value;
  });
}

/** What holds where an option is not given: for a switch, where the profiles differ, what each has. */
function defaultsOf(name: OptionName): string {
  const row = switchTable[name as SwitchName];
  if (row !== undefined) return ` (${profiles.map((profile) => `${profile}: ${row[profile]}`).join(", ")})`;
  const fallback = optionTable[name].default;
  return fallback === undefined ? "" : ` (default: ${fallback})`;
}

/** @param args what follows the command's name */
export async function run(args: readonly string[]): Promise<void> {
  // A variable that is there but empty is one that somebody left out.
  for (const variable of optionNames.map(variableOf))
    if (process.env[variable] === "") delete process.env[variable];
  try {
    // What is not said otherwise is to serve.
    await program.parseAsync(args[0] === "serve" ? args.slice(1) : args, { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : calledWrongly;
    else if (error instanceof OptionError) {
      const name = error.option as OptionName;
      const fromVariable = program.getOptionValueSource(name) === "env";
      const way = fromVariable ? variableOf(name) : `--${flagOf(name)}`;
      process.stderr.write(
        `error: ${way}: got ${error.got}, takes ${error.takes}\n(--help lists everything)\n`,
      );
      process.exitCode = calledWrongly;
    } else throw error;
  }
}
