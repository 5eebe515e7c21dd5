/** Which fields hold what is nobody's business, and messages without it. */
import {
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type Message,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import {
  FieldValueSchema,
  FieldValueUpdateSchema,
  LLMIntegrationRequestHeaderSchema,
} from "./gen/gitpod/v1/runner_configuration_pb.ts";
import { hasOwnJson, mapMessagesInJson } from "./json-messages.ts";

/** The value beside a key may be anything, a secret too: a field of a configuration, a header to a model. */
const keyed: ReadonlySet<string> = new Set([
  FieldValueSchema.typeName,
  FieldValueUpdateSchema.typeName,
  LLMIntegrationRequestHeaderSchema.typeName,
]);

/** By its name: passwords, tokens, secrets and keys, but for what only looks like one. */
export function isSecret({ name, parent, scalar }: DescField): boolean {
  if (keyed.has(parent.typeName)) return name === "value";
  // How a schema says that a field has to be kept from view.
  if (scalar === ScalarType.BOOL) return false;
  if (parent.typeName.startsWith("gitpod.v1.Pagination") || /^(public_)?key$/.test(name)) return false;
  return /password|token$|secret|key$/.test(name);
}

/** What stands in the place of a secret. */
const hidden = "[hidden]";

/** The message in JSON, with its secrets hidden. */
export function withoutSecrets(desc: DescMessage, message: Message): JsonObject {
  return mapMessagesInJson(desc, toJson(desc, message) as JsonObject, (each, json) =>
    Object.fromEntries(
      Object.entries(json).map(([key, value]) => {
        const field = each.fields.find(({ jsonName }) => jsonName === key);
        return [key, field === undefined || isShown(field) ? value : hiddenIn(value)];
      }),
    ),
  );
}

/** Whether a value can be seen as it is: of a message it is its fields that decide. */
function isShown(field: DescField): boolean {
  return (field.message !== undefined && !hasOwnJson(field.message)) || !isSecret(field);
}

function hiddenIn(value: JsonValue): JsonValue {
  return Array.isArray(value) ? value.map(() => hidden) : hidden;
}
