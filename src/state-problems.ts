/** What no rule of the schema can say of a state document: which things there may be once, and in which form. */
import { fullNameOf } from "./domain/scm/hosts.ts";
import { isOurs } from "./domain/tokens.ts";
import type { RunnerConfigurationSchema } from "./gen/gitpod/v1/runner_configuration_pb.ts";
import type { RunnerState } from "./gen/runnermock/v1/runner_pb.ts";
import type { State } from "./gen/runnermock/v1/state_pb.ts";
import { canonical } from "./ids.ts";
import type { JsonPath, JsonProblem } from "./json-problems.ts";

/** What is wrong with a state that its rules do not say: what is there twice, or cannot be read. */
export function problemsOf({ scm, gateways, runners, configurationSchemas }: State): JsonProblem[] {
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
    ...(scm?.hosts ?? []).flatMap(({ organizations, repositories }, index) => [
      ...repeatedIn(organizations, ["scm", "hosts", index, "organizations"], "name", ({ name }) => name),
      ...repeatedIn(repositories, ["scm", "hosts", index, "repositories"], "name", fullNameOf),
    ]),
    ...repeatedIn(gateways, ["gateways"], "name", ({ name }) => name),
    ...repeatedIn(
      configurationSchemas,
      ["configuration_schemas"],
      "provider",
      ({ provider }) => `${provider}`,
    ),
    ...configurationSchemas.flatMap(({ schema }, index) =>
      wrongPatternsIn(schema, ["configuration_schemas", index, "schema"]),
    ),
    ...repeatedResources(runners),
  ];
}

/** Ids are one resource's in the whole document; of the same host a runner has one thing of a kind. */
function repeatedResources(runners: readonly RunnerState[]): JsonProblem[] {
  const seen = new Set<string>();
  const idsIn = (resources: readonly { readonly id: string }[], at: JsonPath) =>
    repeatedIn(resources, at, "id", ({ id }) => canonical(id) || undefined, seen);
  return runners.flatMap((runner, index) => {
    const at = (field: string) => ["runners", index, field];
    return [
      ...idsIn(runner.environmentClasses, at("environment_classes")),
      ...idsIn(runner.scmIntegrations, at("scm_integrations")),
      ...idsIn(runner.llmIntegrations, at("llm_integrations")),
      ...idsIn(runner.hostAuthenticationTokens, at("host_authentication_tokens")),
      ...repeatedIn(runner.scmIntegrations, at("scm_integrations"), "host", ({ host, scmId }) =>
        JSON.stringify([host.toLowerCase(), scmId]),
      ),
      ...repeatedIn(
        runner.hostAuthenticationTokens,
        at("host_authentication_tokens"),
        "host",
        ({ host, subject }) => JSON.stringify([host.toLowerCase(), canonical(subject?.id ?? "")]),
      ),
    ];
  });
}

/** Patterns that are no regular expressions. */
function wrongPatternsIn(schema: RunnerConfigurationSchema | undefined, at: JsonPath): JsonProblem[] {
  return (schema?.environmentClasses ?? []).flatMap(({ type }, index) => {
    const { pattern } = type.case === "string" ? type.value : { pattern: "" };
    if (isPattern(pattern)) return [];
    const path = [...at, "environment_classes", index, "string", "pattern"];
    return [{ path, problem: "is no regular expression" }];
  });
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text, "u");
    return true;
  } catch {
    return false;
  }
}

/** Where an item has the same key as one before it, here or in `seen`; one without a key is passed over. */
export function repeatedIn<T>(
  items: readonly T[],
  at: JsonPath,
  field: string,
  keyOf: (item: T) => string | undefined,
  seen = new Set<string>(),
) {
  return items.flatMap((item, index) => {
    const key = keyOf(item);
    if (key === undefined) return [];
    if (key === "") return [{ path: [...at, index, field], problem: "value is required" }];
    if (seen.has(key)) return [{ path: [...at, index, field], problem: "this one is there already" }];
    seen.add(key);
    return [];
  });
}
