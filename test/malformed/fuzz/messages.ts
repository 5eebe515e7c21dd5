/** Requests made from the schema: such as could be meant, and such that something in them is off. */
import {
  type DescField,
  type DescMessage,
  fromJsonString,
  type JsonValue,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import fc from "fast-check";

/** The JSON of a message of the schema, as deep as it goes, but for fields that are left out. */
export function messageJson(desc: DescMessage, depth = 4): fc.Arbitrary<JsonValue> {
  const wellKnown = wellKnownJson[desc.typeName];
  if (wellKnown) return wellKnown;
  if (depth === 0) return fc.constant({});
  const fields = Object.fromEntries(
    desc.fields.map((field) => [field.jsonName, fieldJson(field, depth - 1)]),
  );
  // Without one the default world would be meant, to which nothing shall be done.
  const requiredKeys = desc.field.world ? ["world"] : [];
  return fc.record(fields, { requiredKeys, noNullPrototype: true }) as fc.Arbitrary<JsonValue>;
}

/** A body in JSON: of the schema, with one value of another kind, or with its text damaged. */
export function jsonBody(desc: DescMessage): fc.Arbitrary<string> {
  const good = messageJson(desc);
  const odd = fc
    .tuple(
      good,
      fc.constantFrom("nope", ...desc.fields.map(({ jsonName }) => jsonName)),
      fc.jsonValue({ maxDepth: 3 }),
    )
    .map(([message, name, value]) => ({ ...(message as object), [name]: value as JsonValue }));
  const text = fc.oneof(good, odd).map((message) => JSON.stringify(message));
  const damaged = fc
    .tuple(text, fc.nat(), fc.constantFrom("", "}", "[", ",", '"', "\\u", "1e999", "\0"))
    .map(([whole, at, what]) => whole.slice(0, at % (whole.length + 1)) + what);
  return fc.oneof({ weight: 4, arbitrary: text }, { weight: 1, arbitrary: damaged });
}

/** A body in protobuf: of the schema, with some bytes changed, cut off, or of no schema at all. */
export function binaryBody(desc: DescMessage): fc.Arbitrary<Uint8Array> {
  const good = messageJson(desc).map((json) => bytesOf(desc, json));
  const changed = fc
    .tuple(good, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }))
    .map(([whole, changes]) => {
      const bytes = Uint8Array.from(whole);
      for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
      return bytes;
    });
  const cut = fc.tuple(good, fc.nat()).map(([whole, at]) => whole.subarray(0, at % (whole.length + 1)));
  return fc.oneof({ weight: 3, arbitrary: good }, changed, cut, fc.uint8Array({ maxLength: 64 }));
}

/** Nothing for JSON that is no message: some is off even of what could be meant. */
function bytesOf(desc: DescMessage, json: JsonValue): Uint8Array {
  try {
    return toBinary(desc, fromJsonString(desc, JSON.stringify(json), { ignoreUnknownFields: true }));
  } catch {
    return new Uint8Array();
  }
}

function fieldJson(field: DescField, depth: number): fc.Arbitrary<JsonValue> {
  if (field.fieldKind === "list") return fc.array(single(field, depth), { maxLength: 3 });
  if (field.fieldKind === "map")
    return fc.dictionary(fc.string({ maxLength: 8 }), single(field, depth), { maxKeys: 3 });
  return single(field, depth);
}

function single(field: DescField, depth: number): fc.Arbitrary<JsonValue> {
  if (field.message) return messageJson(field.message, depth);
  if (field.enum) {
    const names = field.enum.values.map(({ name }) => name);
    return fc.constantFrom<JsonValue>(...names, ...names, 99);
  }
  return scalar(field.name, field.scalar);
}

function scalar(name: string, type: ScalarType | undefined): fc.Arbitrary<JsonValue> {
  switch (type) {
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.STRING:
      if (name === "world") return worldNames;
      return /(^|_)ids?$/.test(name) ? fc.oneof(ids, texts) : texts;
    case ScalarType.BYTES:
      return fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString("base64"));
    case ScalarType.FLOAT:
    case ScalarType.DOUBLE:
      return fc.oneof(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constantFrom("NaN", "-Infinity"),
      );
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String);
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return fc.oneof(fc.nat({ max: 100 }), fc.integer({ min: 0, max: 0xffffffff }));
    default:
      return fc.oneof(fc.nat({ max: 100 }), fc.integer());
  }
}

const ids = fc.oneof(fc.uuid(), fc.constantFrom("", "00000000-0000-0000-0000-000000000000", "not-an-id"));
/** Those that the tests of the control service look after, and such as there are not. */
const worldNames = fc.constantFrom("fuzz-a", "fuzz-a", "fuzz-b", "fuzz-c", "-bad");
const texts = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.webUrl(),
  fc.constantFrom(
    "",
    "x".repeat(5_000),
    "https://github.com/gitpod-io/gitpod/pull/1",
    "runners: [{name: abc}]",
    "&a [*a, *a]",
  ),
);

const seconds = fc.oneof(
  fc.integer({ min: -10, max: 100_000 }),
  fc.integer({ min: -315_576_000_000, max: 315_576_000_000 }),
);
const wellKnownJson: Readonly<Record<string, fc.Arbitrary<JsonValue>>> = {
  "google.protobuf.Timestamp": fc
    .date({ noInvalidDate: true, min: new Date(0), max: new Date("9999-12-31") })
    .map((date) => date.toISOString()),
  "google.protobuf.Duration": fc
    .tuple(seconds, fc.nat({ max: 999 }))
    .map(([whole, ms]) => `${whole}.${String(ms).padStart(3, "0")}s`),
  "google.protobuf.Struct": fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), {
    maxKeys: 3,
  }) as fc.Arbitrary<JsonValue>,
};
