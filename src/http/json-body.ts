/**
 * Decodes the body of a Connect call in JSON, so that what cannot be decoded is explained: an unknown field or
 * enum name with its path in the request. Whether those are refused is the server's `unknownJson` switch.
 */
import type { Readable } from "node:stream";
import {
  type DescMessage,
  type DescMethod,
  fromJsonString,
  type JsonValue,
  type Message,
} from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { bodyTooLarge, clientWentAway, unreadableJson } from "../errors.ts";
import type { DecodedRequest } from "../interceptors/decoded-request.ts";

export interface JsonBodyOptions {
  readonly refuseUnknown: boolean;
  readonly maxBytes: number;
}

/** Reads and decodes a body; whatever is wrong with it is part of the result. */
export async function decodeJsonBody(
  method: DescMethod,
  body: Readable,
  { refuseUnknown, maxBytes }: JsonBodyOptions,
): Promise<DecodedRequest> {
  try {
    return { message: decode(method.input, await readAll(body, maxBytes), refuseUnknown) };
  } catch (error) {
    return { problem: ConnectError.from(error) };
  }
}

/** Reads a body up to the limit. What is beyond is let through unread, so that the client gets its answer. */
function readAll(body: Readable, maxBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    body.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) chunks.push(chunk);
      else reject(bodyTooLarge(maxBytes));
    });
    body.once("end", () => resolve(Buffer.concat(chunks)));
    body.once("error", (error) => reject(clientWentAway(error)));
  });
}

function decode(input: DescMessage, bytes: Uint8Array, refuseUnknown: boolean): Message {
  let json: JsonValue;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    json = JSON.parse(text);
  } catch (error) {
    throw unreadableJson(`the request body is not JSON: ${messageOf(error)}`);
  }
  try {
    // From the text: in the parsed value a field that is given twice can no longer be told.
    return fromJsonString(input, text, { ignoreUnknownFields: !refuseUnknown });
  } catch (error) {
    const unknown = refuseUnknown ? unknownIn(input, json, "") : [];
    throw unreadableJson(unknown.length > 0 ? unknown.join("; ") : messageOf(error));
  }
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
