/** From what arrived to the message in it: envelopes, compression, protobuf or JSON, and what is wrong with them. */
import { type DescMethod, fromBinary, type Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression, EnvelopedMessage } from "@connectrpc/connect/protocol";
import { errors } from "../errors.ts";
import { messageFromJson } from "./json-message.ts";

export interface DecodeOptions {
  /** Whether unknown JSON fields and enum names are refused. */
  readonly refuseUnknownJson: boolean;
  /** The largest message that is read, compressed or not. */
  readonly maxBytes: number;
}

/** What stands before each message of a stream: whether it is compressed, and how long it is. */
export const envelopePrefixBytes = 5;
export const compressedFlag = 1;

/** The message of a body that has to hold exactly one, in its envelope. */
export function onlyEnvelope(body: Uint8Array): EnvelopedMessage {
  if (body.length === 0) throw errors.missingRequestMessage();
  if (body.length < envelopePrefixBytes)
    throw errors.undecodable({ problem: "the request breaks off in its five byte prefix" });
  const flags = body[0] ?? 0;
  const length = new DataView(body.buffer, body.byteOffset).getUint32(1);
  const end = envelopePrefixBytes + length;
  if (end > body.length) {
    const sent = body.length - envelopePrefixBytes;
    throw errors.undecodable({ problem: `the request breaks off: ${length} bytes promised, ${sent} sent` });
  }
  if (end < body.length) throw errors.extraRequestMessage();
  return { flags, data: body.subarray(envelopePrefixBytes) };
}

interface Packed {
  readonly bytes: Uint8Array;
  readonly compression?: Compression | undefined;
}

/** Of the flags a request has but one: those that end streams are the server's. */
export function open({ flags, data: bytes }: EnvelopedMessage, compression: Compression | undefined): Packed {
  if (flags > compressedFlag)
    throw errors.undecodable({
      problem: `the request has flags that no request has: 0x${flags.toString(16)}`,
    });
  if (flags === 0) return { bytes, compression: undefined };
  if (compression === undefined)
    throw errors.undecodable({ problem: "the request is compressed, but does not say how" });
  return { bytes, compression };
}

/** @throws what refuses a message that is none of the method's, or too large */
export async function decodeMessage(
  { input }: DescMethod,
  packed: Packed,
  { json }: { readonly json: boolean },
  { maxBytes, refuseUnknownJson }: DecodeOptions,
): Promise<Message> {
  const plain = await unpack(packed, maxBytes);
  if (plain.length > maxBytes) throw errors.bodyTooLarge({ limitBytes: maxBytes });
  if (json) return messageFromJson(input, plain, refuseUnknownJson);
  try {
    return fromBinary(input, plain);
  } catch (error) {
    throw errors.undecodable({ problem: `the request is no ${input.typeName}: ${messageOf(error)}` });
  }
}

async function unpack({ bytes, compression }: Packed, maxBytes: number): Promise<Uint8Array> {
  if (compression === undefined) return bytes;
  try {
    return await compression.decompress(bytes, maxBytes);
  } catch (error) {
    const { code, cause } = ConnectError.from(error);
    if (code === Code.ResourceExhausted) throw errors.bodyTooLarge({ limitBytes: maxBytes });
    throw errors.undecodable({
      problem: `the request is no ${compression.name}: ${messageOf(cause ?? error)}`,
    });
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** There is but one. A request need not say which it means. */
export function checkVersion(version: string | null, expected: string): void {
  if (version !== null && version !== expected) throw errors.unknownVersion({ version, expected });
}
