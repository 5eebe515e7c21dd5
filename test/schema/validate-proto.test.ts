/**
 * proto/buf/validate/validate.proto is cut down to the rules in use. Validators know the whole file, so each thing
 * in ours must be in theirs and look the same on the wire.
 */
import type { DescExtension, DescField, DescFile } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { FieldDescriptorProto_Label } from "@bufbuild/protobuf/wkt";
import { file_buf_validate_validate as whole } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { describe, expect, it } from "vitest";
import { file_buf_validate_validate as cut } from "../../src/gen/buf/validate/validate_pb.ts";
import { typeOf } from "./descriptor-facts.ts";

type Kind = "message" | "field" | "enum value" | "extension";

const ours = wireOf(cut);
const theirs = wireOf(whole);

describe("the cut-down validate.proto", () => {
  it.each<Kind>(["message", "field", "enum value", "extension"])(
    "has no %s that protovalidate's lacks or has otherwise",
    (kind) => {
      expect(ours[kind].size).toBeGreaterThan(0);
      expect(differing(ours[kind], theirs[kind])).toEqual([]);
    },
  );

  it.each<[Kind, name: string, altered: string]>([
    ["message", "buf.validate.Rules", "message"],
    ["field", "buf.validate.StringRules.uuid", "optional bool = 23 in well_known"],
    ["field", "buf.validate.StringRules.uuid", "optional bool = 22"],
    ["enum value", "buf.validate.Ignore.IGNORE_IF_ZERO_VALUE", "2"],
    [
      "extension",
      "buf.validate.field",
      "optional buf.validate.FieldRules = 1160 of google.protobuf.FieldOptions",
    ],
  ])("would be found out with a %s like %s: %s", (kind, name, altered) => {
    const line = `${name}: ours is ${altered}, theirs ${theirs[kind].get(name)}`;
    expect(differing(new Map(ours[kind]).set(name, altered), theirs[kind])).toEqual([line]);
  });
});

function differing(our: ReadonlyMap<string, string>, their: ReadonlyMap<string, string>): string[] {
  return [...our]
    .filter(([name, wire]) => wire !== their.get(name))
    .map(([name, wire]) => `${name}: ours is ${wire}, theirs ${their.get(name)}`);
}

/** All that a file defines, by full name, each as one line of what matters on the wire. */
function wireOf(file: DescFile): Record<Kind, ReadonlyMap<string, string>> {
  const types = [...nestedTypes(file)];
  const messages = types.filter((type) => type.kind === "message");
  const enums = types.filter((type) => type.kind === "enum");
  const extensions = types.filter((type) => type.kind === "extension");
  return {
    message: new Map(messages.map(({ typeName }) => [typeName, "message"])),
    field: new Map(
      messages.flatMap(({ typeName, fields }) =>
        fields
          // Maps are in theirs only.
          .filter(({ fieldKind }) => fieldKind !== "map")
          .map((field) => [`${typeName}.${field.name}`, fieldLine(field)]),
      ),
    ),
    "enum value": new Map(
      enums.flatMap(({ typeName, values }) =>
        values.map(({ name, number }) => [`${typeName}.${name}`, `${number}`]),
      ),
    ),
    extension: new Map(
      extensions.map((extension) => [
        extension.typeName,
        `${fieldLine(extension)} of ${extension.extendee.typeName}`,
      ]),
    ),
  };
}

function fieldLine(field: DescField | DescExtension): string {
  const label = FieldDescriptorProto_Label[field.proto.label].toLowerCase();
  const oneof = field.oneof === undefined ? "" : ` in ${field.oneof.name}`;
  return `${label} ${typeOf(field)} = ${field.number}${oneof}`;
}
