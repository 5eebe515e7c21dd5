/** Replies as a server of a newer schema would send them: with fields and values of enums that nobody here knows. */
import { type DescMessage, isMessage, type JsonObject, type Message } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { openEnumOf } from "../../domain/open-enums.ts";
import type { FaultNewerSchema } from "../../gen/runnermock/v1/control_pb.ts";
import { hasOwnJson, mapMessagesInJson } from "../../json-messages.ts";

type What = Pick<FaultNewerSchema, "fields" | "enumValues">;

/** Far beyond what the schema has, so that it stays unknown. */
const unknownValue = 1_000;
const unknownField = {
  no: 10_000,
  wireType: WireType.LengthDelimited,
  data: new BinaryWriter().string("added later").finish(),
};

/** The message with them. In JSON they have names, which it cannot hold: see newerInJson. */
export function newer(desc: DescMessage, message: Message, { fields, enumValues }: What): Message {
  const changed = { ...message } as Message & Record<string, unknown>;
  for (const { localName, message: inner, fieldKind } of desc.fields) {
    if (inner === undefined || fieldKind === "map" || hasOwnJson(inner)) continue;
    const change = (value: unknown) =>
      isMessage(value) ? newer(inner, value, { fields, enumValues }) : value;
    const value = changed[localName];
    if (value !== undefined) changed[localName] = Array.isArray(value) ? value.map(change) : change(value);
  }
  const open = enumValues ? openEnumOf(desc) : undefined;
  if (open !== undefined) changed[open.localName] = unknownValue;
  if (fields) changed.$unknown = [...(message.$unknown ?? []), unknownField];
  return changed;
}

/** The JSON of such a message, in which they have got names. */
export function newerInJson(desc: DescMessage, json: JsonObject, { fields, enumValues }: What): JsonObject {
  return mapMessagesInJson(desc, json, (each, object) => {
    const open = enumValues ? openEnumOf(each) : undefined;
    const changed = { ...object };
    if (open !== undefined && changed[open.jsonName] === unknownValue)
      changed[open.jsonName] = `${open.enum?.sharedPrefix?.toUpperCase() ?? ""}ADDED_LATER`;
    if (fields) changed.addedLater = "added later";
    return changed;
  });
}
