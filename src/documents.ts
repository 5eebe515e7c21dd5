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
import { createValidator, type Violation } from "@bufbuild/protovalidate";
import type { LineCounter, Node, Pair, Document as YamlDocument } from "yaml";
import { defaultState } from "./default-state.ts";
import { isOurs } from "./domain/tokens.ts";
import { type Identities, IdentitiesSchema } from "./gen/runnermock/v1/identities_pb.ts";
import { type State, StateSchema } from "./gen/runnermock/v1/state_pb.ts";
import { canonical } from "./ids.ts";
import { type JsonPath, type JsonProblem, pathOfViolation, pathText, problemsWith } from "./json-problems.ts";

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
  return readDocument(StateSchema, source, repeats);
}

/** A state from a text in YAML or JSON. @throws DocumentError, which names line and column */
export async function parseState(text: string): Promise<State> {
  return readDocument(StateSchema, await parseYaml(text, ""), repeats);
}

/** The state as a text in YAML. */
export async function stateDocument(state: State): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(toJson(StateSchema, state));
}

/** @throws DocumentError for a state that a document could not hold */
export function checkState(state: State): void {
  refuse([...violationsOf(StateSchema, state), ...repeats(state)], () => "");
}

/** The state, with the other's sections where it has none. */
export function completed({ scm, gateways, runners }: State, fallback: State): State {
  return create(StateSchema, {
    scm: scm ?? fallback.scm ?? {},
    gateways: gateways.length > 0 ? gateways : fallback.gateways,
    runners: runners.length > 0 ? runners : fallback.runners,
  });
}

function repeats({ scm, gateways, runners }: State): JsonProblem[] {
  const named = runners.map((runner, index) => ({
    ...runner,
    runnerId: canonical(runner.runnerId) || `#${index}`,
  }));
  const tokens = runners.flatMap(({ tokens }, index) =>
    tokens.flatMap(({ token, sha256 }, at) => {
      const path = ["runners", index, "tokens", at, "token"];
      if (token === "" && sha256 === "") return [{ path, problem: "either token or sha256 is required" }];
      return token === "" || isOurs(token) ? [] : [{ path, problem: "must begin with rmock_" }];
    }),
  );
  return [
    ...repeatedIn(named, ["runners"], "runner_id", ({ runnerId }) => runnerId),
    ...tokens,
    ...repeatedIn(scm?.hosts ?? [], ["scm", "hosts"], "host", ({ host }) => host.toLowerCase()),
    ...repeatedIn(gateways, ["gateways"], "name", ({ name }) => name),
  ];
}

/** @throws DocumentError */
export async function readIdentities(source: DocumentSource | undefined): Promise<Identities> {
  if (source === undefined) return create(IdentitiesSchema);
  return readDocument(IdentitiesSchema, source, ({ identities }) =>
    repeatedIn(identities, ["identities"], "token", ({ token }) => token),
  );
}

/** Where an item has the same key as one before it. */
function repeatedIn<T>(items: readonly T[], at: JsonPath, field: string, keyOf: (item: T) => string) {
  const seen = new Set<string>();
  return items.flatMap((item, index) => {
    const key = keyOf(item);
    if (seen.has(key)) return [{ path: [...at, index, field], problem: "this one is there already" }];
    seen.add(key);
    return [];
  });
}

async function readDocument<Desc extends DescMessage>(
  desc: Desc,
  source: DocumentSource | Read,
  check: (message: MessageShape<Desc>) => JsonProblem[],
): Promise<MessageShape<Desc>> {
  const { json, placeOf } = await readSource(source);
  refuse(problemsWith(desc, json), placeOf);
  const message = fromJson(desc, json as JsonValue);
  refuse(violationsOf(desc, message), placeOf);
  refuse(check(message), placeOf);
  return message;
}

function refuse(problems: readonly JsonProblem[], placeOf: (path: JsonPath) => string): void {
  if (problems.length === 0) return;
  const told = problems.slice(0, maxProblems).map(({ path, problem }) => {
    return [placeOf(path), pathText(path), problem].filter((part) => part !== "").join(": ");
  });
  throw new DocumentError(told.join("; "));
}

function violationsOf<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>): JsonProblem[] {
  return (createValidator().validate(desc, message).violations ?? []).map(problemOf);
}

function problemOf(violation: Violation): JsonProblem {
  return { path: pathOfViolation(violation), problem: violation.message };
}

interface Read {
  readonly json: unknown & (JsonValue | undefined);
  /** Where something stands, as editors understand it. */
  readonly placeOf: (path: JsonPath) => string;
}

async function readSource(source: DocumentSource | Read): Promise<Read> {
  if (typeof source === "string") return readYaml(source);
  return "placeOf" in source ? (source as Read) : { json: source as JsonValue, placeOf: () => "" };
}

async function readYaml(file: string): Promise<Read> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new DocumentError(`${file} cannot be read: ${(error as Error).message}`);
  }
  return parseYaml(text, file);
}

async function parseYaml(text: string, file: string): Promise<Read> {
  const yaml = await import("yaml");
  const lines = new yaml.LineCounter();
  // JSON is YAML, too.
  const document = yaml.parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [problem] = document.errors;
  if (problem !== undefined)
    throw new DocumentError(`${placeAt(file, lines, problem.pos[0])}: ${problem.message}`);
  const placeOf = (path: JsonPath) => placeAt(file, lines, offsetOf(document, path));
  // An empty file says nothing, and so changes nothing.
  return { json: (document.toJS() as JsonValue | null) ?? {}, placeOf };
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
