/** What every client has to get through. */
import type { RunnerMockOptions } from "../../../src/options.ts";
import type { Teller } from "../teller.ts";

export interface Story {
  readonly title: string;
  /** How the mock is started for it. */
  readonly mock?: RunnerMockOptions;
  tell(teller: Teller): Promise<void>;
}

export const productionRunner = {
  name: "Production Runner",
  provider: "RUNNER_PROVIDER_AWS_EC2",
  spec: {
    desiredPhase: "RUNNER_PHASE_ACTIVE",
    configuration: {
      region: "us-west",
      releaseChannel: "RUNNER_RELEASE_CHANNEL_STABLE",
      autoUpdate: true,
    },
  },
} as const;

export const linuxHost = { name: "A Linux Host", provider: "RUNNER_PROVIDER_LINUX_HOST" } as const;

export const unknownId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";

export const runnerNotFound = { code: "not_found", message: "runner not found" } as const;
