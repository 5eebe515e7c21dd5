/** `gitpod-runner-mock adversity`: runs a client's test command under many seeds, and says which kinds broke it. */
import { availableParallelism } from "node:os";
import { SingleBar } from "cli-progress";
import { pino } from "pino";
import { type Attempt, type Cause, campaign, type Findings } from "../campaign/campaign.ts";
import { systemTime } from "../clock.ts";
import { adversityKinds, maxSeed } from "../domain/adversity/kind.ts";
import {
  flagOf,
  inProcessDefaults,
  type OptionName,
  optionTable,
  type RunnerMockOptions,
  type Settings,
  settingsOf,
} from "../options.ts";
import { seedFrom, systemRandom } from "../random.ts";
import { type RunnerMock, startServer } from "../server.ts";
import { quoted } from "../shell.ts";
import { type Command, CommandError, runCommand } from "./run-command.ts";

export interface CampaignFlags {
  /** Under how many seeds. */
  readonly runs: number;
  /** How many runs there are at once. Default: as many as there are processors. */
  readonly jobs?: number;
  /** How long each may take, in milliseconds. */
  readonly runTimeout: number;
}

/** Exit codes beside 0: some kind broke the command; it fails without any, or cannot be run; somebody stopped it all. */
const broken = 1;
const unfit = 2;
const stopped = 130;

/** Resolves with the exit code. @param options of the mock, whose seed is that of the first run */
export async function adversity(
  command: Command,
  { runs, jobs = availableParallelism(), runTimeout: timeoutMs }: CampaignFlags,
  options: RunnerMockOptions,
): Promise<number> {
  const settings = settingsOf({ ...options, port: 0, controlPort: "off" }, inProcessDefaults);
  const { seed, level, kinds = adversityKinds } = settings.adversity;
  const first = typeof seed === "number" ? seed : seedFrom(systemRandom);
  const mock = await startMock(settings);
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort();
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  try {
    const attempt = attempting(mock, command, { level, timeoutMs, signal: interrupted.signal });
    const kindly = await attempt(first, []);
    if (kindly.failed) {
      process.stderr.write(`error: the command fails without any adversity\n${indented(kindly.output)}\n`);
      return unfit;
    }
    // From the largest seed it goes on with the smallest.
    const seeds = Array.from({ length: runs }, (_, index) => (first + index) % (maxSeed + 1));
    const bar = new SingleBar({
      format: "{bar} {value} of {total} runs, {failed} failed",
      stream: process.stderr,
      clearOnComplete: true,
    });
    let failed = 0;
    bar.start(runs, 0, { failed });
    const findings = await campaign({
      seeds,
      kinds,
      attempt,
      jobs,
      onRun: (isFailed) => {
        if (isFailed) bar.setTotal(runs + ++failed);
        bar.increment({ failed });
      },
      onExplained: () => bar.increment(),
    }).finally(() => bar.stop());
    process.stdout.write(reportOf(findings, { runs, first, command, options }));
    return findings.failed.length === 0 ? 0 : broken;
  } catch (error) {
    if (interrupted.signal.aborted) return stopped;
    if (!(error instanceof CommandError)) throw error;
    process.stderr.write(`error: ${error.message}\n`);
    return unfit;
  } finally {
    await mock.close();
  }
}

/** Kind by itself, since each run has a world and adversity of its own, and reached where it listens. */
function startMock({ adversity: asked, world, ...settings }: Settings): Promise<RunnerMock> {
  const logger = pino({ level: settings.logLevel }, pino.destination(2));
  const own = { adversity: { ...asked, seed: "off" }, world: { ...world, publicUrl: undefined } } as const;
  return startServer({ ...settings, ...own }, { time: systemTime, random: systemRandom, logger });
}

interface Attempting {
  readonly level: number | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Runs the command in a world of its own, which it finds by its environment. */
function attempting(mock: RunnerMock, command: Command, { level, timeoutMs, signal }: Attempting): Attempt {
  let worlds = 0;
  return async (seed, kinds) => {
    const world = await mock.worlds.create(`run-${++worlds}`);
    try {
      if (kinds.length > 0) await world.adversity.start({ seed, level, kinds });
      const base = `${world.url}/api`;
      const variables = {
        RUNNER_MOCK_URL: world.url,
        RUNNER_MOCK_WORLD: world.name,
        GITPOD_BASE_URL: base,
        ONA_BASE_URL: base,
        TEST_API_BASE_URL: base,
      };
      const { failed, output } = await runCommand(command, { variables, timeoutMs, signal });
      const touched = new Set(world.calls.list().flatMap(({ adversity }) => adversity?.kinds ?? []));
      return { failed, output, touched: adversityKinds.filter((kind) => touched.has(kind)) };
    } finally {
      await mock.worlds.delete(world.name);
    }
  };
}

interface Campaign {
  readonly runs: number;
  readonly first: number;
  readonly command: Command;
  readonly options: RunnerMockOptions;
}

function reportOf({ failed, causes, unsteady }: Findings, made: Campaign): string {
  const { runs, first } = made;
  if (failed.length === 0) return `${runs} runs from seed ${first} on: nothing broke the command.\n`;
  return [
    `${runs} runs from seed ${first} on: ${failed.length} failed.`,
    ...causes.map((cause) => told(cause, made)),
    ...(unsteady.length === 0 ? [] : [`Failed once, and not again: seeds ${unsteady.join(", ")}.`]),
    "",
  ].join("\n");
}

function told({ kinds, runs: broken }: Cause, { command, options }: Campaign): string {
  const [{ seed, output } = { seed: 0, output: "" }] = broken;
  const count = broken.length === 1 ? "1 run" : `${broken.length} runs`;
  return [
    "",
    `${kinds.join(" with ")} broke ${count}, the first with seed ${seed}. Again:`,
    `  ${replayOf({ ...options, adversity: seed, adversityKinds: kinds }, command)}`,
    indented(output),
  ].join("\n");
}

/** With all options that make a difference, but for secrets: they are in no report. */
function replayOf(options: RunnerMockOptions, command: Command): string {
  const flags = Object.entries(options).flatMap(([option, value]) => {
    const name = option as OptionName;
    const { secret, write = String } = optionTable[name];
    return secret ? [] : [`--${flagOf(name)}`, wordOf(write(value))];
  });
  return ["gitpod-runner-mock adversity --runs 1", ...flags, "--", ...command.map(wordOf)].join(" ");
}

/** Quoted only where a shell would read it as something else: most words are plain. */
const wordOf = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : quoted(text));

function indented(text: string): string {
  return text.replace(/^/gm, "  | ");
}
