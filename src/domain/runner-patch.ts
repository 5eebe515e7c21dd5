/**
 * UpdateRunner's changes: what is set is taken over, field by field, and what is not stays (DOC). An empty text
 * clears a field, an empty update window removes the window.
 */
import { create } from "@bufbuild/protobuf";
import {
  MetricsConfigurationSchema,
  type Runner,
  type RunnerConfiguration,
  RunnerConfigurationSchema,
  RunnerSpecSchema,
  type UpdateRunnerRequest,
  type UpdateRunnerRequest_RunnerConfiguration,
  type UpdateWindow,
} from "../gen/gitpod/v1/runner_pb.ts";
import { sealedFor } from "./sealed-box.ts";
import { setFields } from "./set-fields.ts";

/**
 * The runner with the changes of the request; the same one where there are none.
 *
 * @throws failed_precondition for a secret, where the runner has no public key to encrypt it with
 */
export async function patched(runner: Runner, { name, spec }: UpdateRunnerRequest): Promise<Runner> {
  const configuration = await patchedConfiguration(runner, spec?.configuration);
  const changes: Partial<Runner> = setFields({ name });
  if (configuration !== undefined || spec?.desiredPhase !== undefined) {
    changes.spec = {
      ...(runner.spec ?? create(RunnerSpecSchema)),
      ...setFields({ configuration, desiredPhase: spec?.desiredPhase }),
    };
  }
  return Object.keys(changes).length === 0 ? runner : { ...runner, ...changes };
}

/** Undefined: unchanged. */
async function patchedConfiguration(
  runner: Runner,
  changes: UpdateRunnerRequest_RunnerConfiguration | undefined,
): Promise<RunnerConfiguration | undefined> {
  if (changes === undefined) return undefined;
  const { metrics, updateWindow, honeycombApiKey, ...plain } = setFields(changes);
  const taken: Partial<RunnerConfiguration> = plain;
  const before = runner.spec?.configuration ?? create(RunnerConfigurationSchema);
  if (metrics !== undefined) {
    const takenMetrics = setFields(metrics);
    if (Object.keys(takenMetrics).length > 0) {
      taken.metrics = { ...(before.metrics ?? create(MetricsConfigurationSchema)), ...takenMetrics };
    }
  }
  if (honeycombApiKey !== undefined) {
    const field = "spec.configuration.honeycomb_api_key";
    taken.encryptedHoneycombApiKey = await sealedFor(runner, honeycombApiKey, field);
  }
  if (updateWindow === undefined) {
    return Object.keys(taken).length === 0 ? undefined : { ...before, ...taken };
  }
  const { updateWindow: _, ...rest } = before;
  return { ...rest, ...taken, ...(isEmpty(updateWindow) ? {} : { updateWindow }) };
}

function isEmpty({ startHour, endHour }: UpdateWindow): boolean {
  return startHour === undefined && endHour === undefined;
}
