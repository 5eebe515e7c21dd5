/** Which kind of runner each provider makes. */
import { RunnerKind, RunnerProvider } from "../gen/gitpod/v1/runner_configuration_pb.ts";

/**
 * DOC for AWS_EC2 and GCP; GUESS for the others: the vendor's test fakes list managed and dev-agent runners as
 * remote, and the reference calls the Linux host a local runner.
 */
const kinds: { readonly [P in RunnerProvider]?: RunnerKind } = {
  [RunnerProvider.AWS_EC2]: RunnerKind.REMOTE,
  [RunnerProvider.GCP]: RunnerKind.REMOTE,
  [RunnerProvider.MANAGED]: RunnerKind.REMOTE,
  [RunnerProvider.DEV_AGENT]: RunnerKind.REMOTE,
  [RunnerProvider.LINUX_HOST]: RunnerKind.LOCAL,
  [RunnerProvider.DESKTOP_MAC]: RunnerKind.LOCAL,
};

/** The kind of a new runner: as sent, or else deduced from the provider. */
export function kindOf(request: { kind: RunnerKind; provider: RunnerProvider }): RunnerKind {
  return request.kind || (kinds[request.provider] ?? RunnerKind.UNSPECIFIED);
}
