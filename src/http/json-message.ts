/**
 * Decodes messages from JSON, and explains what cannot be decoded: an unknown field or enum name with its path
 * in the request. Whether those are refused is the server's `unknownJson` switch.
 */
import { type DescMessage, fromJsonString, type JsonValue, type Message } from "@bufbuild/protobuf";
import { undecodable } from "../errors.ts";

/** @throws invalid_argument for what is no JSON, or no JSON of this message */
export function messageFromJson(desc: DescMessage, bytes: Uint8Array, refuseUnknown: boolean): Message {
  let text: string | undefined;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    // From the text: in the parsed value a field that is given twice can no longer be told.
    return fromJsonString(desc, text, { ignoreUnknownFields: !refuseUnknown });
  } catch (error) {
    const json = text === undefined ? notJson(error) : parsed(text);
    if (!refuseUnknown) throw undecodable(withoutSecrets(messageOf(error)));
    if (desc.fields.length === 0 && isSdksEmpty(json)) return messageFromJson(desc, bytes, false);
    const unknown = unknownIn(desc, json, "");
    throw undecodable(unknown.length > 0 ? unknown.join("; ") : withoutSecrets(messageOf(error)));
  }
}

function parsed(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch (error) {
    return notJson(error);
  }
}

function notJson(error: unknown): never {
  throw undecodable(`the request body is not JSON: ${withoutContent(messageOf(error))}`);
}

/** Every field and enum name in `json` that the schema does not know, with its path. */
function unknownIn(desc: DescMessage, json: JsonValue | undefined, path: string): string[] {
  // google.protobuf.Timestamp and its like have JSON forms of their own, without unknown fields.
  if (desc.typeName.startsWith("google.protobuf.") || typeof json !== "object" || json === null) return [];
  return Object.entries(json).flatMap(([key, value]) => {
    const at = path === "" ? key : `${path}.${key}`;
    const field = desc.fields.find((candidate) => candidate.jsonName === key || candidate.name === key);
    if (field === undefined) return [`${at}: ${desc.typeName} has no such field`];
    const values = Array.isArray(value) ? value : [value];
    const pathOf = (index: number) => (Array.isArray(value) ? `${at}[${index}]` : at);
    return values.flatMap((item, index) => {
      if (field.message) return unknownIn(field.message, item, pathOf(index));
      const known =
        typeof item !== "string" || (field.enum?.values.some(({ name }) => name === item) ?? true);
      return known ? [] : [`${pathOf(index)}: ${field.enum?.typeName} has no value ${JSON.stringify(item)}`];
    });
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** For requests without fields the generated SDKs offer one of their own: `{"empty": true}`. */
function isSdksEmpty(json: JsonValue): boolean {
  return typeof json === "object" && json !== null && Object.keys(json).every((key) => key === "empty");
}

/** The message of JSON.parse without the excerpt of the text that it may end with. */
function withoutContent(message: string): string {
  return message.replace(/, (\.\.\.)?".*$/s, "");
}

/** The message without the value that was sent, where the field's name says that it is nobody's business. */
function withoutSecrets(message: string): string {
  return message.replace(/^(cannot decode \w+ \S*(?:password|token|secret|key)\S* from JSON): .*$/is, "$1");
}
