/** Bodies in protobuf that are none, or none of the RPC's request. */
import { http1, post } from "../http1-client.ts";
import type { Row, Theme } from "../row.ts";

const createRunner = "/gitpod.v1.RunnerService/CreateRunner";
const listRunners = "/gitpod.v1.RunnerService/ListRunners";

const proto = (path: string, ...body: readonly (number | Uint8Array)[]) =>
  http1(
    post(
      path,
      { "content-type": "application/proto" },
      Buffer.concat(body.map((part) => (typeof part === "number" ? Uint8Array.of(part) : part))),
    ),
  );

const text = (value: string) => Buffer.from(value);

/** Refused, whatever is wrong; what it is no message of is always told. */
const refused = (
  title: string,
  path: string,
  body: readonly (number | Uint8Array)[],
  says = /^the request is no gitpod\.v1\./,
): Row => ({
  title,
  send: proto(path, ...body),
  answer: "400 invalid_argument",
  says,
});

/** `depth` messages, one within the other, in field 3 (`spec`). */
function nested(depth: number): Buffer {
  const heads: Buffer[] = [];
  let length = 0;
  for (let level = 0; level < depth; level++) {
    const head = Buffer.from([0x1a, ...varint(length)]);
    heads.push(head);
    length += head.length;
  }
  return Buffer.concat(heads.reverse());
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

const rows: readonly Row[] = [
  refused("JSON", createRunner, [text('{"name": "My Runner"}')]),
  refused("a text that is shorter than it says", createRunner, [0x0a, 0x7f, 0x41]),
  refused("a text that breaks off before its length", createRunner, [0x0a]),
  refused("a text of 4 GiB", createRunner, [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]),
  refused(
    "a length that is negative",
    createRunner,
    [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  ),
  refused("a varint that never ends", createRunner, [0x10, Buffer.alloc(11, 0xff)]),
  refused("a varint that breaks off", createRunner, [0x10, 0x80]),
  refused("a tag that breaks off", createRunner, [0x80]),
  refused("field number 0", createRunner, [0x00, 0x01]),
  refused("wire type 6", createRunner, [0x0e, 0x00]),
  refused("wire type 7", createRunner, [0x0f, 0x00]),
  refused("a number where a text belongs", createRunner, [0x08, 0x05]),
  refused("a text where a number belongs", createRunner, [0x12, 0x03, text("abc")]),
  refused("a 64-bit number where a message belongs", createRunner, [0x19, Buffer.alloc(8)]),
  refused("a fixed32 that breaks off", createRunner, [0x7d, 0x00, 0x00]),
  refused("the end of a group that never began", createRunner, [0x0c]),
  refused("a group that never ends", createRunner, [0x7b, 0x08, 0x01]),
  refused("a group that ends as another one", createRunner, [0x7b, 0x84, 0x01]),
  refused("a text that is not UTF-8", createRunner, [0x0a, 0x01, 0xff]),
  refused("a text with half a surrogate pair", createRunner, [0x0a, 0x03, 0xed, 0xa0, 0x80]),
  refused("a text of UTF-8 in too many bytes", createRunner, [0x0a, 0x02, 0xc0, 0xaf]),
  refused("a message within that is longer than what is around it", createRunner, [0x1a, 0x02, 0x12, 0x40]),
  refused("an enum value that there is not", createRunner, [0x0a, 0x03, text("abc"), 0x10, 0x63], /kind/),
  refused(
    "an enum value beyond an int32",
    createRunner,
    [0x0a, 0x03, text("abc"), 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0x07],
    /kind/,
  ),
  refused("a packed list that breaks off within a number", listRunners, [0x12, 0x03, 0x12, 0x01, 0x80]),
  refused("messages 100,000 deep in unknown groups", createRunner, [
    Buffer.alloc(100_000, 0x7b),
    Buffer.alloc(100_000, 0x7c),
  ]),
  refused("100,000 groups that nobody ends", createRunner, [Buffer.alloc(100_000, 0x7b)]),
  {
    title: "messages 100,000 deep that the schema does not have",
    send: proto(createRunner, nested(100_000)),
    answer: "400 invalid_argument",
  },
  refused(
    "half a million empty texts in a list of at most 25",
    listRunners,
    [0x12, ...varint(1_000_000).map((byte) => byte), Buffer.alloc(1_000_000, Uint8Array.of(0x0a, 0x00))],
    /creator_ids/,
  ),
  refused("random bytes", createRunner, [
    Buffer.from("c3a5d1e0b2f49687a1b2c3d4e5f60718293a4b5c6d7e8f90", "hex"),
  ]),
];

export const protobufBodies: Theme = { name: "protobuf bodies", rows };
