/** Registering runners, and finding out what has become of them. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";
import { IdentityService } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerProvider } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { type Runner, RunnerService, type RunnerSpecSchema } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { failureOf, type TestMock } from "./mock.ts";

export type RunnerClient = Client<typeof RunnerService>;
/** A mock, or a client of one of its worlds. */
export type HasRunnerClient = { readonly runner: RunnerClient };
export interface CreateRunnerInit {
  name?: string;
  kind?: number;
  provider?: number;
  runnerManagerId?: string;
  spec?: MessageInitShape<typeof RunnerSpecSchema>;
}

/** The request of the reference's example. */
export const productionRunner = { name: "Production Runner", provider: RunnerProvider.AWS_EC2 };

export interface Registered {
  readonly runnerId: string;
  readonly exchangeToken: string;
  /** The deprecated one of the reply. */
  readonly accessToken: string;
}

export async function register(
  { runner: client }: HasRunnerClient,
  request: CreateRunnerInit = productionRunner,
): Promise<Registered> {
  const { runner, exchangeToken, accessToken } = await client.createRunner(request);
  return { runnerId: idOf(runner), exchangeToken, accessToken };
}

export const idOf = (runner: Runner | undefined): string => runner?.runnerId ?? "";

/** Whether a user sees the runner. */
export async function stands({ runner: client }: HasRunnerClient, runnerId: string): Promise<boolean> {
  const outcome = await failureOf(client.getRunner({ runnerId }));
  if (outcome !== "ok" && outcome !== "not_found: runner not found") throw new Error(outcome);
  return outcome === "ok";
}

/** The runner as a user sees it. */
export async function seen({ runner: client }: HasRunnerClient, runnerId: string): Promise<Runner> {
  const { runner } = await client.getRunner({ runnerId });
  if (runner === undefined) throw new Error("GetRunner answered without a runner");
  return runner;
}

/** The code with which a call ended, or `ok`. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  return (await failureOf(call)).replace(/:.*/s, "");
}

/** A client that calls as a runner does. */
export function asRunner(mock: TestMock, accessToken: string) {
  return {
    runner: mock.client(RunnerService, { bearer: accessToken }),
    identity: mock.client(IdentityService, { bearer: accessToken }),
  };
}

/** How a call with this bearer ends. If it is a runner's, it shows that runner alive. */
export const callOutcome = (mock: TestMock, accessToken: string) =>
  codeOf(asRunner(mock, accessToken).identity.getAuthenticatedIdentity({}));

/** How the exchange of this token ends. */
export const exchangeOutcome = (mock: TestMock, exchangeToken: string) =>
  codeOf(mock.identity.exchangeToken({ exchangeToken }));

/** A timestamp of the wire in milliseconds. */
export function msOf(timestamp: Timestamp | undefined): number {
  return timestamp === undefined ? Number.NaN : timestampMs(timestamp);
}
