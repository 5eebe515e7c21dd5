/** gitpod-runner-mock in process: the public surface, name by name. */
import { pino } from "pino";
import { systemTime } from "./clock.ts";
import { inProcessDefaults, type RunnerMockOptions, settingsOf } from "./options.ts";
import { systemRandom } from "./random.ts";
import { type RunnerMock, startServer } from "./server.ts";

export type {
  AdversityPowers,
  CallsPowers,
  FaultsPowers,
  NewWorld,
  StatePowers,
  WhichCalls,
  WorldPowers,
  WorldsPowers,
} from "./control/powers.ts";
export type { AdversityInit, AdversityKind, AdversitySettings } from "./domain/adversity/kind.ts";
export type { RunnerReport } from "./domain/runners.ts";
export type { Duration } from "./duration.ts";
export { RunnerCapability, RunnerPhase } from "./gen/gitpod/v1/runner_pb.ts";
export type { Call, Fault } from "./gen/runnermock/v1/control_pb.ts";
export type { IdentitiesJson } from "./gen/runnermock/v1/identities_pb.ts";
export type { StateJson } from "./gen/runnermock/v1/state_pb.ts";
export { OptionError, type RunnerMockOptions } from "./options.ts";
export type { Profile, Switches } from "./profiles.ts";
export type { RunnerMock } from "./server.ts";

/**
 * Starts a mock in this process, by default on a free port of 127.0.0.1 and without a log. Each is on its own:
 * several can run side by side.
 *
 * @throws OptionError for an option that does not take its value
 */
export async function startRunnerMock(options: RunnerMockOptions = {}): Promise<RunnerMock> {
  const settings = settingsOf(options, inProcessDefaults);
  const logger = pino({ level: settings.logLevel }, pino.destination(2));
  return startServer(settings, { time: systemTime, random: systemRandom, logger });
}
