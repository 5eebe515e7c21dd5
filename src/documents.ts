/**
 * The documents that a mock can be started with, read from files in YAML or JSON or given as objects: they are the
 * JSON form of messages, held against the schema and its rules. An error names the line.
 */
import { readFile } from "node:fs/promises";
import {
  create,
  type DescMessage,
  fromJson,
  type JsonValue,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import type { Violation } from "@bufbuild/protovalidate";
import type { LineCounter, Node, Pair, Document as YamlDocument } from "yaml";
import { defaultState } from "./default-state.ts";
import { type Identities, IdentitiesSchema } from "./gen/runnermock/v1/identities_pb.ts";
import { type State, StateSchema } from "./gen/runnermock/v1/state_pb.ts";
import { type JsonPath, type JsonProblem, pathOfViolation, pathText, problemsWith } from "./json-problems.ts";
import { problemsOf, repeatedIn } from "./state-problems.ts";
import { violationsOf } from "./validators.ts";

/** A document that is not what it has to be; the message names what, and where. */
export class DocumentError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DocumentError";
  }
}

/** The path of a file, or what such a file would hold. */
export type DocumentSource = string | object;

/** How many problems an error tells. */
const maxProblems = 5;

/** @throws DocumentError */
export async function readState(source: DocumentSource | undefined): Promise<State> {
  const state = source === undefined ? create(StateSchema) : await readOwnState(source);
  return completed(state, create(StateSchema, defaultState));
}

/** The document alone, without what it leaves to the default one. @throws DocumentError */
export function readOwnState(source: DocumentSource): Promise<State> {
  return readDocument(StateSchema, source, problemsOf);
}

/** A state from a text in YAML or JSON. @throws DocumentError, which names line and column */
export async function parseState(text: string): Promise<State> {
  return readDocument(StateSchema, await parseYaml(text, "", false), problemsOf);
}

/** The state as a text in YAML. */
export async function stateDocument(state: State): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(toJson(StateSchema, state));
}

/** @throws DocumentError for a state that a document could not hold */
export async function checkState(state: State): Promise<void> {
  const violations = await violationsOf(StateSchema, state);
  refuse([...violations.map(problemOf), ...problemsOf(state)], { placeOf: () => "", hidesValues: false });
}

/** The state, with the other's sections where it has none. */
export function completed(state: State, fallback: State): State {
  const listOf = <Name extends "gateways" | "runners" | "configurationSchemas">(name: Name) =>
    state[name].length > 0 ? state[name] : fallback[name];
  return create(StateSchema, {
    scm: state.scm ?? fallback.scm ?? {},
    gateways: listOf("gateways"),
    runners: listOf("runners"),
    configurationSchemas: listOf("configurationSchemas"),
  });
}

/** @throws DocumentError, which shows nothing of what is in the document: that may be a token */
export async function readIdentities(source: DocumentSource | undefined): Promise<Identities> {
  if (source === undefined) return create(IdentitiesSchema);
  const check = ({ identities }: Identities) =>
    repeatedIn(identities, ["identities"], "token", ({ token }) => token);
  return readDocument(IdentitiesSchema, source, check, true);
}

async function readDocument<Desc extends DescMessage>(
  desc: Desc,
  source: DocumentSource | Read,
  check: (message: MessageShape<Desc>) => JsonProblem[],
  hidesValues = false,
): Promise<MessageShape<Desc>> {
  const read = await readSource(source, hidesValues);
  refuse(problemsWith(desc, read.json), read);
  const message = fromJson(desc, read.json as JsonValue);
  refuse((await violationsOf(desc, message)).map(problemOf), read);
  refuse(check(message), read);
  return message;
}

function refuse(problems: readonly JsonProblem[], { placeOf, hidesValues }: Omit<Read, "json">): void {
  if (problems.length === 0) return;
  const told = problems.slice(0, maxProblems).map((found) => {
    const { path, problem } = hidesValues ? withoutValues(found) : found;
    return [placeOf(found.path), pathText(path), problem].filter((part) => part !== "").join(": ");
  });
  throw new DocumentError(told.join("; "));
}

/** A problem as it is told of a document whose values, and even whose misplaced keys, may be secrets. */
function withoutValues({ path, problem }: JsonProblem): JsonProblem {
  const isWord = (step: string | number) => typeof step === "number" || /^[a-z_]{1,24}$/i.test(step);
  return {
    path: path.map((step) => (isWord(step) ? step : "…")),
    problem: problem.replace(/, got .*$/s, ", got something else"),
  };
}

/** What YAML's own errors quote of a text stands behind these words, if anywhere. */
const quoting = /^(Unresolved|Could not resolve|Unsupported|Invalid escape sequence|Excessive).*/s;

function problemOf(violation: Violation): JsonProblem {
  return { path: pathOfViolation(violation), problem: violation.message };
}

interface Read {
  readonly json: unknown & (JsonValue | undefined);
  /** Where something stands, as editors understand it. */
  readonly placeOf: (path: JsonPath) => string;
  /** Whether no error may show what is in it. */
  readonly hidesValues: boolean;
}

async function readSource(source: DocumentSource | Read, hidesValues: boolean): Promise<Read> {
  if (typeof source === "string") return readYaml(source, hidesValues);
  if ("placeOf" in source) return source as Read;
  // As a file would have it: without what is undefined.
  const json = JSON.parse(JSON.stringify(source)) as JsonValue;
  return { json, placeOf: () => "", hidesValues };
}

async function readYaml(file: string, hidesValues: boolean): Promise<Read> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new DocumentError(`${file} cannot be read: ${(error as Error).message}`);
  }
  return parseYaml(text, file, hidesValues);
}

async function parseYaml(text: string, file: string, hidesValues: boolean): Promise<Read> {
  const yaml = await import("yaml");
  const lines = new yaml.LineCounter();
  // JSON is YAML, too.
  const document = yaml.parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" });
  const refuseText = (message: string, offset: number): never => {
    const told = hidesValues ? message.replace(quoting, "$1 …") : message;
    throw new DocumentError(`${placeAt(file, lines, offset)}: ${told}`);
  };
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) refuseText(problem.message, problem.pos[0]);
  const placeOf = (path: JsonPath) => placeAt(file, lines, offsetOf(document, path));
  try {
    // An empty file says nothing, and so changes nothing.
    return { json: (document.toJS() as JsonValue | null) ?? {}, placeOf, hidesValues };
  } catch (error) {
    return refuseText((error as Error).message, 0);
  }
}

function placeAt(file: string, lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return file === "" ? `line ${line}, column ${col}` : `${file}:${line}:${col}`;
}

/** Where the path leads in the text, or as far as it leads. */
function offsetOf(document: YamlDocument, path: JsonPath): number {
  let node: unknown = document.contents;
  let offset = (document.contents as Node | null)?.range?.[0] ?? 0;
  for (const step of path) {
    const items = (node as { items?: readonly unknown[] } | null)?.items ?? [];
    const pair =
      typeof step === "string"
        ? (items as Pair<Node, Node>[]).find((item) => isNamed(item, step))
        : undefined;
    const [place, next] =
      pair === undefined ? [items[Number(step)], items[Number(step)]] : [pair.key, pair.value];
    const range = (place as Node | undefined)?.range;
    if (!range) break;
    offset = range[0];
    node = next;
  }
  return offset;
}

/** Fields may be written as in the schema or as in JSON: `url_form`, `urlForm`. */
function isNamed({ key }: Pair<Node, Node>, name: string): boolean {
  const camelCase = name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return [name, camelCase].includes(String(key));
}
