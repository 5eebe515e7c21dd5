/**
 * Decodes messages from JSON, and explains what cannot be decoded: an unknown field or enum name with its path
 * in the request. Whether those are refused is the server's `unknownJson` switch.
 */
import { isUtf8 } from "node:buffer";
import { type DescMessage, fromJsonString, type JsonValue, type Message } from "@bufbuild/protobuf";
import { errors } from "../errors.ts";
import { pathText, unknownNamesIn } from "../json-problems.ts";

/** @throws invalid_argument for what is no JSON, or no JSON of this message */
export function messageFromJson(desc: DescMessage, bytes: Uint8Array, refuseUnknown: boolean): Message {
  let text: string | undefined;
  try {
    text = textOf(bytes);
    // From the text: in the parsed value a field that is given twice can no longer be told.
    return fromJsonString(desc, text, { ignoreUnknownFields: !refuseUnknown });
  } catch (error) {
    const json = text === undefined ? notJson(error) : parsed(text);
    if (!refuseUnknown) throw errors.undecodable({ problem: withoutSecrets(messageOf(error)) });
    if (desc.fields.length === 0 && isSdksEmpty(json)) return messageFromJson(desc, bytes, false);
    const unknown = unknownNamesIn(desc, json).map(({ path, problem }) => `${pathText(path)}: ${problem}`);
    throw errors.undecodable({
      problem: unknown.length > 0 ? unknown.join("; ") : withoutSecrets(messageOf(error)),
    });
  }
}

/** As a TextDecoder that is strict would have it, and faster. @throws where it is no UTF-8 */
function textOf(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new TypeError("The encoded data was not valid for encoding utf-8");
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
  return text.startsWith(byteOrderMark) ? text.slice(1) : text;
}

const byteOrderMark = "\ufeff";

function parsed(text: string): JsonValue {
  try {
    return JSON.parse(text);
  } catch (error) {
    return notJson(error);
  }
}

function notJson(error: unknown): never {
  throw errors.undecodable({ problem: `the request body is not JSON: ${withoutContent(messageOf(error))}` });
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
