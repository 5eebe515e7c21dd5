/** Messages within messages, in the JSON that they are written as. */
import type { DescMessage, JsonObject, JsonValue } from "@bufbuild/protobuf";

/** The JSON of a message with what `change` makes of each message in it, those within before those around them. */
export function mapMessagesInJson(
  desc: DescMessage,
  json: JsonObject,
  change: (desc: DescMessage, json: JsonObject) => JsonObject,
): JsonObject {
  const within = Object.entries(json).map(([key, value]) => {
    const field = desc.fields.find(({ jsonName }) => jsonName === key);
    const { message: inner } = field ?? {};
    if (inner === undefined || field?.fieldKind === "map" || hasOwnJson(inner)) return [key, value];
    const mapped = (item: JsonValue) => mapMessagesInJson(inner, item as JsonObject, change);
    return [key, Array.isArray(value) ? value.map(mapped) : mapped(value)];
  });
  return change(desc, Object.fromEntries(within));
}

/** google.protobuf.Timestamp and its like have JSON forms of their own, without unknown fields. */
export function hasOwnJson({ typeName }: DescMessage): boolean {
  return typeName.startsWith("google.protobuf.");
}
