/** Other ways to write the JSON of a reply. Which bytes go out is the HTTP layer's business: it is told what to write. */
import { type DescMessage, fromJson, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import type { StreamRequest, UnaryRequest } from "@connectrpc/connect";
import { chanceFrom, type Draw, wholeFrom } from "../../domain/chance.ts";
import type { Fault } from "../../gen/runnermock/v1/control_pb.ts";
import { connectionKey } from "../connection.ts";
import { newerInJson } from "./newer-schema.ts";

/** Has what other faults make of the JSON rewritten as the fault has it, too, if it has anything to do with it. */
export function rewriteJson(effect: Fault["effect"], request: UnaryRequest | StreamRequest): void {
  const connection = request.contextValues.get(connectionKey);
  const rewrite = rewritingBy(effect, request);
  if (connection === undefined || rewrite === undefined) return;
  const before = connection.rewriteJson ?? ((text) => text);
  connection.rewriteJson = (text) => rewrite(JSON.parse(before(text)));
}

function rewritingBy(
  effect: Fault["effect"],
  { method: { output }, stream }: UnaryRequest | StreamRequest,
): ((json: JsonObject) => string) | undefined {
  if (effect.case === "newerSchema") return (json) => JSON.stringify(newerInJson(output, json, effect.value));
  if (effect.case !== "varyJson") return undefined;
  const { defaults, layout, seed } = effect.value;
  const draw = chanceFrom(seed);
  return (json) => {
    const full = defaults ? withDefaults(output, json) : json;
    return layout ? laidOut(full, draw, stream ? blanks : [...blanks, "\n", "\r\n"]) : JSON.stringify(full);
  };
}

function withDefaults(desc: DescMessage, json: JsonObject): JsonValue {
  return toJson(desc, fromJson(desc, json, { ignoreUnknownFields: true }), { alwaysEmitImplicit: true });
}

/** What may stand between the parts of a text in JSON; a line of JSON Lines is one. */
const blanks = ["", " ", "\t", "  "];

function laidOut(json: JsonValue, draw: Draw, between: readonly string[]): string {
  const blank = () => between[wholeFrom(draw, 0, between.length - 1)] ?? "";
  const written = (value: JsonValue): string => {
    if (Array.isArray(value)) return joined("[", value.map(written), "]");
    if (typeof value !== "object" || value === null) return JSON.stringify(value);
    const fields = shuffled(Object.entries(value), draw);
    return joined(
      "{",
      fields.map(([name, each]) => `${JSON.stringify(name)}${blank()}:${blank()}${written(each)}`),
      "}",
    );
  };
  const joined = (open: string, parts: readonly string[], close: string) =>
    `${open}${parts.map((part) => `${blank()}${part}${blank()}`).join(",")}${close}`;
  return written(json);
}

/** Each order as likely as any other. */
function shuffled<T>(items: readonly T[], draw: Draw): T[] {
  const left = [...items];
  return items.flatMap(() => left.splice(wholeFrom(draw, 0, left.length - 1), 1));
}
