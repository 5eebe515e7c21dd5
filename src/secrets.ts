/** Which fields hold what is nobody's business, and messages without it. */
import {
  type DescField,
  type DescMessage,
  type JsonObject,
  type JsonValue,
  type Message,
  toJson,
} from "@bufbuild/protobuf";

/** By its name: passwords, tokens, secrets and keys, but for what only looks like one. */
export function isSecret({ name, parent }: DescField): boolean {
  if (parent.typeName.startsWith("gitpod.v1.Pagination") || name === "public_key") return false;
  return /password|token$|secret|key$/.test(name);
}

/** What stands in the place of a secret. */
const hidden = "[hidden]";

/** The message in JSON, with its secrets hidden. */
export function withoutSecrets(desc: DescMessage, message: Message): JsonObject {
  return hideIn(desc, toJson(desc, message) as JsonObject);
}

function hideIn(desc: DescMessage, json: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(json).map(([key, value]) => {
      const field = desc.fields.find(({ jsonName }) => jsonName === key);
      return [key, field === undefined ? value : shownValue(field, value)];
    }),
  );
}

function shownValue(field: DescField, value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((item) => shownValue(field, item));
  const { message } = field;
  if (message !== undefined && !message.typeName.startsWith("google.protobuf.")) {
    return hideIn(message, value as JsonObject);
  }
  return isSecret(field) ? hidden : value;
}
