/** Environment classes: sizes and makes of environment. They are disabled, never deleted. */
import { errors } from "../../errors.ts";
import { ResourceType } from "../../gen/gitpod/v1/event_pb.ts";
import {
  type CreateEnvironmentClassRequest,
  type EnvironmentClass,
  EnvironmentClassSchema,
  type ListEnvironmentClassesRequest_Filter,
  type UpdateEnvironmentClassRequest,
} from "../../gen/gitpod/v1/runner_configuration_pb.ts";
import { type Runner, RunnerPhase } from "../../gen/gitpod/v1/runner_pb.ts";
import type { Switches } from "../../profiles.ts";
import { anyOf } from "../any-of.ts";
import type { ResourceKind, Selection } from "../runner-resources.ts";
import { setFields } from "../set-fields.ts";
import { configurationFindings } from "./findings.ts";
import { type Schemas, schemaOf } from "./schemas.ts";

type EnvironmentClasses = ResourceKind<
  typeof EnvironmentClassSchema,
  CreateEnvironmentClassRequest,
  UpdateEnvironmentClassRequest
>;

export function environmentClasses(
  schemas: Schemas,
  { validation }: Pick<Switches, "validation">,
): EnvironmentClasses {
  return {
    collection: "environment-classes",
    resourceType: ResourceType.ENVIRONMENT_CLASS,
    desc: EnvironmentClassSchema,
    notFound: errors.environmentClassNotFound,
    made({ displayName, description, configuration }, runner) {
      const fields = schemaOf(schemas, runner).environmentClasses;
      const findings = validation === "strict" ? configurationFindings(fields, configuration) : [];
      if (findings.length > 0) {
        const problems = findings.map(({ key, error }) => `${key}: ${error}`).join("; ");
        throw errors.invalidConfiguration({ problems });
      }
      const secrets = new Set(fields.filter(({ secret }) => secret).map(({ id }) => id));
      // As it was sent, without defaults; only what has to be kept from view is not even kept.
      const kept = configuration.map((one) => (secrets.has(one.key) ? { ...one, value: "" } : one));
      return { displayName, description, configuration: kept, enabled: true };
    },
    changed(environmentClass, { displayName, description, enabled }) {
      const changes = setFields({ displayName, description, enabled });
      return Object.keys(changes).length === 0 ? environmentClass : { ...environmentClass, ...changes };
    },
  };
}

export function selectedClasses(
  filter: ListEnvironmentClassesRequest_Filter | undefined,
): Selection<EnvironmentClass> {
  if (filter === undefined) return {};
  const { runnerIds, enabled, canCreateEnvironments } = filter;
  const isKind = anyOf(filter.runnerKinds);
  const isProvider = anyOf(filter.runnerProviders);
  return {
    runnerIds,
    matches: (environmentClass, runner) =>
      isKind(runner.kind) &&
      isProvider(runner.provider) &&
      (enabled === undefined || environmentClass.enabled === enabled) &&
      (!canCreateEnvironments || canCreate(environmentClass, runner)),
  };
}

/** Whether an environment can be made of it now: it is enabled, and its runner there to make it (GUESS). */
export function canCreate({ enabled }: EnvironmentClass, { status }: Runner): boolean {
  return enabled && status?.phase === RunnerPhase.ACTIVE;
}
