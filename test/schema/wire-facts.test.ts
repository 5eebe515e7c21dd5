/**
 * The schema is the real one: wire-facts.json holds its names, numbers, types and rules, and whoever speaks to the
 * mock in binary relies on each of them. A service that is added to proto/gitpod needs its facts there.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { file_gitpod_v1_agent } from "../../src/gen/gitpod/v1/agent_pb.ts";
import { file_gitpod_v1_event } from "../../src/gen/gitpod/v1/event_pb.ts";
import { file_gitpod_v1_gateway } from "../../src/gen/gitpod/v1/gateway_pb.ts";
import { file_gitpod_v1_identity } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { file_gitpod_v1_pagination } from "../../src/gen/gitpod/v1/pagination_pb.ts";
import { file_gitpod_v1_runner_configuration } from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { file_gitpod_v1_runner } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { type Facts, factsOf, type MessageFacts } from "./descriptor-facts.ts";
import { differences } from "./differences.ts";

const real: Facts = JSON.parse(readFileSync(new URL("./wire-facts.json", import.meta.url), "utf8"));
const ours = factsOf([
  file_gitpod_v1_agent,
  file_gitpod_v1_event,
  file_gitpod_v1_gateway,
  file_gitpod_v1_identity,
  file_gitpod_v1_pagination,
  file_gitpod_v1_runner,
  file_gitpod_v1_runner_configuration,
]);

/** Server logic of the real service that is a rule here. */
const rulesOfOurOwn = [
  "gitpod.v1.CreateRunnerPolicyRequest.role: too much",
  "gitpod.v1.CreateRunnerRequest: too much",
  "gitpod.v1.RunnerConfiguration.log_level: too much",
  "gitpod.v1.RunnerConfiguration.release_channel: too much",
  "gitpod.v1.RunnerSpec.desired_phase: too much",
  "gitpod.v1.RunnerSpec.variant: too much",
  "gitpod.v1.UpdateLLMIntegrationRequest.phase: too much",
  "gitpod.v1.UpdateRunnerPolicyRequest.role: too much",
  "gitpod.v1.UpdateRunnerRequest.RunnerConfiguration.log_level: too much",
  "gitpod.v1.UpdateRunnerRequest.RunnerConfiguration.release_channel: too much",
  "gitpod.v1.UpdateRunnerRequest.Spec.desired_phase: too much",
  "gitpod.v1.UpdateRunnerRequest: too much",
  "gitpod.v1.UpdateWindow.end_hour: too much",
  "gitpod.v1.UpdateWindow.start_hour: too much",
  "gitpod.v1.WatchEventsRequest: too much",
];

/** Its option `disabled` is one that protovalidate no longer has: who validates must pass this request over. */
const rulesThatCannotBeSaid = ["gitpod.v1.ValidateRunnerConfigurationRequest: missing"];

describe("the schema", () => {
  it.each(Object.keys(real.services))("has the methods of %s", (name) => {
    expect(differences(real.services[name], ours.services[name])).toEqual([]);
  });

  it("has no other services", () => {
    expect(Object.keys(ours.services).sort()).toEqual(Object.keys(real.services).sort());
  });

  it("has the real messages, with the real fields", () => {
    expect(differences(withoutRules(real), withoutRules(ours))).toEqual([]);
  });

  it("has the real enums, with the real values", () => {
    expect(differences(real.enums, ours.enums)).toEqual([]);
  });

  it("has the real validation rules, and beyond them only those listed here", () => {
    const known = [...rulesOfOurOwn, ...rulesThatCannotBeSaid];
    expect(differences(rulesOf(real), rulesOf(ours)).sort()).toEqual(known.sort());
  });
});

describe("the comparison names", () => {
  it.each<[what: string, alter: (facts: Facts) => void, named: string]>([
    [
      "a wrong field number",
      (facts) => Object.assign(fieldsOf(facts, "Gateway").url ?? {}, { number: 9 }),
      "messages.gitpod.v1.Gateway.fields.url.number: should be 9, is 2",
    ],
    [
      "a wrong type",
      (facts) => Object.assign(fieldsOf(facts, "UpdateWindow").end_hour ?? {}, { type: "int32" }),
      'messages.gitpod.v1.UpdateWindow.fields.end_hour.type: should be "int32", is "uint32"',
    ],
    [
      "a label that should be there",
      (facts) => Object.assign(fieldsOf(facts, "Gateway").region ?? {}, { repeated: true }),
      "messages.gitpod.v1.Gateway.fields.region.repeated: missing",
    ],
    [
      "a field that should not be there",
      (facts) => delete fieldsOf(facts, "Gateway").region,
      "messages.gitpod.v1.Gateway.fields.region: too much",
    ],
    [
      "a message that is missing",
      (facts) => Object.assign(facts.messages, { "gitpod.v1.Lost": { file: "", fields: {} } }),
      "messages.gitpod.v1.Lost: missing",
    ],
    [
      "a wrong enum value",
      (facts) => Object.assign(facts.enums["gitpod.v1.RunnerRole"] ?? {}, { RUNNER_ROLE_USER: 3 }),
      "enums.gitpod.v1.RunnerRole.RUNNER_ROLE_USER: should be 3, is 2",
    ],
    [
      "a method without its idempotency",
      (facts) => delete facts.services["gitpod.v1.RunnerService"]?.GetRunner?.idempotency,
      "services.gitpod.v1.RunnerService.GetRunner.idempotency: too much",
    ],
    [
      "a rule with another bound",
      (facts) =>
        Object.assign(fieldsOf(facts, "PaginationRequest").page_size?.rules?.int32 ?? {}, { lte: 99 }),
      "messages.gitpod.v1.PaginationRequest.fields.page_size.rules.int32.lte: should be 99, is 100",
    ],
  ])("%s", (_, alter, named) => {
    const altered = structuredClone(ours);
    alter(altered);
    expect(differences(altered, ours)).toEqual([named]);
  });
});

function fieldsOf({ messages }: Facts, name: string): Partial<MessageFacts["fields"]> {
  return messages[`gitpod.v1.${name}`]?.fields ?? {};
}

function withoutRules({ messages }: Facts): Record<string, unknown> {
  return mapValues(messages, ({ file, fields }) => ({
    file,
    fields: mapValues(fields, ({ rules: _, ...field }) => field),
  }));
}

/** The rules by the full name of their message or field. */
function rulesOf({ messages }: Facts): Record<string, unknown> {
  const all = Object.entries(messages).flatMap(([name, { rules, fields }]) => [
    [name, rules],
    ...Object.entries(fields).map(([field, { rules }]) => [`${name}.${field}`, rules]),
  ]);
  return Object.fromEntries(all.filter(([, rules]) => rules !== undefined));
}

function mapValues<From, To>(record: Record<string, From>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
