/**
 * Descriptors in the form of wire-facts.json, where what is false or not set is left out.
 */
import {
  type DescEnum,
  type DescExtension,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescService,
  getOption,
  hasOption,
  type JsonObject,
  ScalarType,
  toJson,
} from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import {
  FieldRulesSchema,
  field as fieldRules,
  MessageRulesSchema,
  message as messageRules,
} from "../../src/gen/buf/validate/validate_pb.ts";

export interface FieldFacts {
  number: number;
  type: string;
  repeated?: true;
  optional?: true;
  oneof?: string;
  deprecated?: true;
  rules?: JsonObject;
}

export interface MessageFacts {
  file: string;
  fields: Record<string, FieldFacts>;
  rules?: JsonObject;
}

export type EnumFacts = Record<string, number>;

export interface MethodFacts {
  input: string;
  output: string;
  clientStreaming?: true;
  serverStreaming?: true;
  idempotency?: string;
}

export interface Facts {
  messages: Record<string, MessageFacts>;
  enums: Record<string, EnumFacts>;
  services: Record<string, Record<string, MethodFacts>>;
}

export function factsOf(files: readonly DescFile[]): Facts {
  const facts: Facts = { messages: {}, enums: {}, services: {} };
  for (const type of files.flatMap((file) => [...nestedTypes(file)])) {
    if (type.kind === "message") facts.messages[type.typeName] = messageFacts(type);
    if (type.kind === "enum") facts.enums[type.typeName] = enumFacts(type);
    if (type.kind === "service") facts.services[type.typeName] = serviceFacts(type);
  }
  return facts;
}

/** A field's type as a proto file writes it, without its label. */
export function typeOf(field: DescField | DescExtension): string {
  const kind = field.fieldKind === "list" ? field.listKind : field.fieldKind;
  if (kind === "map") throw new Error(`${field}: the facts know no maps`);
  return (
    field.message?.typeName ?? field.enum?.typeName ?? ScalarType[field.scalar as ScalarType].toLowerCase()
  );
}

function messageFacts(message: DescMessage): MessageFacts {
  return {
    file: `${message.file.name}.proto`,
    fields: Object.fromEntries(message.fields.map((field) => [field.name, fieldFacts(field)])),
    ...(hasOption(message, messageRules) && {
      rules: toJson(MessageRulesSchema, getOption(message, messageRules)) as JsonObject,
    }),
  };
}

function fieldFacts(field: DescField): FieldFacts {
  return {
    number: field.number,
    type: typeOf(field),
    ...(field.fieldKind === "list" && { repeated: true }),
    ...(field.proto.proto3Optional && { optional: true }),
    ...(field.oneof && { oneof: field.oneof.name }),
    ...(field.deprecated && { deprecated: true }),
    ...(hasOption(field, fieldRules) && {
      rules: toJson(FieldRulesSchema, getOption(field, fieldRules)) as JsonObject,
    }),
  };
}

function enumFacts(type: DescEnum): EnumFacts {
  return Object.fromEntries(type.values.map(({ name, number }) => [name, number]));
}

function serviceFacts(service: DescService): Record<string, MethodFacts> {
  return Object.fromEntries(
    service.methods.map(({ name, input, output, idempotency, proto }) => [
      name,
      {
        input: input.typeName,
        output: output.typeName,
        ...(proto.clientStreaming && { clientStreaming: true }),
        ...(proto.serverStreaming && { serverStreaming: true }),
        ...(idempotency && { idempotency: MethodOptions_IdempotencyLevel[idempotency] }),
      },
    ]),
  );
}
