/** What others hear of a registration that changes. */
import { ResourceOperation, ResourceType } from "../gen/gitpod/v1/event_pb.ts";
import type { Runner } from "../gen/gitpod/v1/runner_pb.ts";
import type { ResourceEvent } from "../store/feed.ts";
import type { RegistrationDocument } from "./lease.ts";

/** A renewal that changes nothing else is no event. */
export function runnerEvent(
  before: RegistrationDocument | undefined,
  after: RegistrationDocument | undefined,
): ResourceEvent | undefined {
  const { runner, organizationId } = (after ?? before)?.value ?? {};
  const operation = operationOf(before?.value.runner, after?.value.runner);
  if (runner === undefined || organizationId === undefined || operation === undefined) return undefined;
  return {
    operation,
    resourceType: ResourceType.RUNNER,
    resourceId: runner.runnerId,
    creatorId: runner.creator?.id ?? "",
    organizationId,
  };
}

function operationOf(before: Runner | undefined, after: Runner | undefined): ResourceOperation | undefined {
  if (before === undefined) return ResourceOperation.CREATE;
  if (after === undefined) return ResourceOperation.DELETE;
  if (before === after) return undefined;
  // Runners are replaced, never changed in place: what is the same object has not changed.
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof Runner>;
  fields.delete("status");
  for (const field of fields) if (before[field] !== after[field]) return ResourceOperation.UPDATE;
  return before.status === after.status ? undefined : ResourceOperation.UPDATE_STATUS;
}
