/** What is wrong with JSON that is to become a message, and where in it. */
import { type DescField, type DescMessage, fromJson, type JsonValue, ScalarType } from "@bufbuild/protobuf";
import type { Violation } from "@bufbuild/protovalidate";
import { hasOwnJson } from "./json-messages.ts";
import { isSecret } from "./secrets.ts";
import { shown } from "./shown.ts";

export type JsonPath = readonly (string | number)[];

export interface JsonProblem {
  readonly path: JsonPath;
  readonly problem: string;
}

/** `hosts[0].name` */
export function pathText(path: JsonPath): string {
  return path.reduce<string>(
    (text, step) => (typeof step === "number" ? `${text}[${step}]` : text === "" ? step : `${text}.${step}`),
    "",
  );
}

/** Where in a message a rule is violated, by the fields' names in the schema. */
export function pathOfViolation({ field }: Violation): JsonPath {
  return field.map((step) => {
    if (step.kind === "list_sub") return step.index;
    return step.kind === "map_sub" ? String(step.key) : step.name;
  });
}

/** Every field and enum name in `json` that the schema does not know. */
export function unknownNamesIn(desc: DescMessage, json: JsonValue | undefined): JsonProblem[] {
  return problemsIn(desc, json, [], {
    withField: () => undefined,
    withItem({ enum: desc }, item) {
      const known = typeof item !== "string" || (desc?.values.some(({ name }) => name === item) ?? true);
      return known ? undefined : `${desc?.typeName} has no value ${JSON.stringify(item)}`;
    },
  });
}

/** The same, and every value that is of another type than its field, or given twice. */
export function problemsWith(desc: DescMessage, json: JsonValue | undefined): JsonProblem[] {
  if (!isObject(json)) return [{ path: [], problem: `expected fields and values, got ${shown(json)}` }];
  return problemsIn(desc, json, [], {
    withField(field, value, siblings) {
      if (siblings.filter((key) => isNameOf(field, key)).length > 1)
        return "is given twice, in two spellings";
      if (field.fieldKind !== "list" && Array.isArray(value))
        return `expected one value, got ${shown(value)}`;
      return field.fieldKind === "list" && !Array.isArray(value)
        ? `expected a list, got ${shown(value)}`
        : undefined;
    },
    withItem(field, item) {
      if (field.message !== undefined && !hasOwnJson(field.message)) {
        return isObject(item) ? undefined : `expected fields and values, got ${shown(item)}`;
      }
      const value = field.fieldKind === "list" ? [item] : item;
      try {
        fromJson(field.parent, { [field.jsonName]: value });
        return undefined;
      } catch {
        const got = isSecret(field) ? "something else" : shown(item);
        return `expected ${expectedBy(field)}, got ${got}`;
      }
    },
  });
}

interface Judge {
  /** What is wrong with a field's value as a whole. */
  withField(field: DescField, value: JsonValue, siblings: readonly string[]): string | undefined;
  /** What is wrong with a value of a field, be it one of many, apart from what its own fields may be. */
  withItem(field: DescField, item: JsonValue): string | undefined;
}

function problemsIn(
  desc: DescMessage,
  json: JsonValue | undefined,
  path: JsonPath,
  judge: Judge,
): JsonProblem[] {
  if (hasOwnJson(desc) || !isObject(json)) return [];
  return Object.entries(json).flatMap(([key, value]) => {
    const at = [...path, key];
    const field = desc.fields.find((candidate) => isNameOf(candidate, key));
    if (field === undefined) return [{ path: at, problem: `${desc.typeName} has no such field` }];
    // To protobuf that is a field that is not there.
    if (value === null) return [];
    const problem = judge.withField(field, value, Object.keys(json));
    if (problem !== undefined) return [{ path: at, problem }];
    const items = Array.isArray(value)
      ? value.map((item, index) => [[...at, index], item] as const)
      : [[at, value] as const];
    return items.flatMap(([itemPath, item]) => {
      const wrong = judge.withItem(field, item);
      if (wrong !== undefined) return [{ path: itemPath, problem: wrong }];
      return field.message ? problemsIn(field.message, item, itemPath, judge) : [];
    });
  });
}

function isNameOf({ jsonName, name }: DescField, key: string): boolean {
  return key === jsonName || key === name;
}

function isObject(json: JsonValue | undefined): json is { [name: string]: JsonValue } {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

function expectedBy(field: DescField): string {
  if (field.enum) return `one of ${field.enum.values.map(({ name }) => name).join(", ")}`;
  if (field.scalar === ScalarType.STRING) return "a text (a number needs quotes)";
  if (field.scalar === ScalarType.BOOL) return "true or false";
  if (field.message) return `a ${field.message.typeName}`;
  return "a number";
}
