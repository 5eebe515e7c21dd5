/** What can be configured on a runner, by its provider: the state document says it. */
import { create } from "@bufbuild/protobuf";
import {
  type RunnerConfigurationSchema,
  RunnerConfigurationSchemaSchema,
  RunnerProvider,
} from "../../gen/gitpod/v1/runner_configuration_pb.ts";
import type { Runner } from "../../gen/gitpod/v1/runner_pb.ts";
import type { ProviderSchema } from "../../gen/runnermock/v1/state_pb.ts";

/** The schemas of a world, one for each provider; that of the unspecified one is for all others. */
export interface Schemas {
  readonly all: readonly ProviderSchema[];
}

/** Without any schema nothing can be configured. */
export function schemaOf({ all }: Schemas, { provider }: Runner): RunnerConfigurationSchema {
  const of = (wanted: RunnerProvider) => all.find((one) => one.provider === wanted)?.schema;
  return of(provider) ?? of(RunnerProvider.UNSPECIFIED) ?? create(RunnerConfigurationSchemaSchema);
}
