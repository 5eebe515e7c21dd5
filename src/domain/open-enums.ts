/** Enums of replies that a newer server may give a value which no client of today knows. */
import type { DescField, DescMessage } from "@bufbuild/protobuf";
import {
  ListAuditLogsResponse_AuditLogEntrySchema,
  WatchEventsResponseSchema,
} from "../gen/gitpod/v1/event_pb.ts";
import { LLMIntegrationSchema } from "../gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerStatusSchema } from "../gen/gitpod/v1/runner_pb.ts";

/** Those that the server alone decides on: of what a client has chosen itself, no server answers something else. */
const openEnums: ReadonlySet<DescField> = new Set([
  RunnerStatusSchema.field.phase,
  LLMIntegrationSchema.field.phase,
  ListAuditLogsResponse_AuditLogEntrySchema.field.kind,
  WatchEventsResponseSchema.field.operation,
]);

/** That of a message, if it has one. */
export function openEnumOf({ fields }: DescMessage): DescField | undefined {
  return fields.find((field) => openEnums.has(field));
}

/** Whether a message has one in it. */
export function hasOpenEnum(desc: DescMessage, above: readonly DescMessage[] = []): boolean {
  if (above.includes(desc)) return false;
  return (
    openEnumOf(desc) !== undefined ||
    desc.fields.some(({ message }) => message !== undefined && hasOpenEnum(message, [...above, desc]))
  );
}
