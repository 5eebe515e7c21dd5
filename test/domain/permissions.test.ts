/** Who may call what: every RPC of the services' descriptors, called by everybody with a request that is valid. */
import type { DescMethod, DescService, MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect } from "vitest";
import { EventService } from "../../src/gen/gitpod/v1/event_pb.ts";
import { GatewayService } from "../../src/gen/gitpod/v1/gateway_pb.ts";
import { IdentityService } from "../../src/gen/gitpod/v1/identity_pb.ts";
import {
  RunnerConfigurationService,
  SupportedModel,
} from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerRole, RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import {
  configurationOf,
  environmentClass,
  hostAuthenticationToken,
  type Kind,
  large,
  llmIntegration,
  scmIntegration,
  signedUp,
} from "../support/configuration.ts";
import type { TestMock } from "../support/mock.ts";
import { codeOf, productionRunner, type Registered, register } from "../support/registrations.ts";
import { sharing } from "../support/shared-mock.ts";

const environmentId = "0198a1b2-c3d4-7e5f-8a6b-000000000001";
const unknownId = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b";
const groupId = "0198a1b2-c3d4-7e5f-8a6b-000000000002";

const open = sharing({
  token: { alice: "alice-token" },
  identities: {
    identities: [
      { token: "account-token", principal: "PRINCIPAL_ACCOUNT" },
      { token: "service-token", principal: "PRINCIPAL_SERVICE_ACCOUNT" },
      { token: "manager-token", principal: "PRINCIPAL_RUNNER_MANAGER" },
      { token: "environment-token", principal: "PRINCIPAL_ENVIRONMENT", id: environmentId },
    ],
  },
});
const required = sharing({
  auth: "required",
  token: { alice: "alice-token" },
  accessTokenTtl: "10s",
  lapse: "never",
});

const denied = "permission_denied";

/**
 * How a call ends for users and their like, for an environment, and for a runner about itself, about another, and
 * about none. Where the request names no runner, the last three are the same.
 */
type Row = readonly [users: string, environment: string, itself: string, another: string, none: string];
type Table<S extends DescService> = { readonly [Name in keyof S["method"]]: Row };

const runnerRpcs: Table<typeof RunnerService> = {
  createRunner: ["ok", denied, "ok", "ok", "ok"],
  getRunner: ["ok", denied, "ok", denied, denied],
  listRunners: ["ok", denied, "ok", "ok", "ok"],
  updateRunner: ["ok", denied, "ok", denied, denied],
  deleteRunner: ["ok", denied, denied, denied, denied],
  createRunnerToken: ["ok", denied, "ok", denied, denied],
  createRunnerLogsToken: ["ok", denied, "ok", denied, denied],
  parseContextURL: ["ok", "ok", "ok", denied, "ok"],
  searchRepositories: ["ok", denied, denied, denied, denied],
  listSCMOrganizations: ["ok", denied, denied, denied, denied],
  checkAuthenticationForHost: ["ok", denied, denied, denied, denied],
  checkRepositoryAccess: ["ok", denied, denied, denied, denied],
  listRunnerPolicies: ["ok", denied, denied, denied, denied],
  createRunnerPolicy: ["ok", denied, denied, denied, denied],
  updateRunnerPolicy: ["ok", denied, denied, denied, denied],
  deleteRunnerPolicy: ["ok", denied, denied, denied, denied],
};
const identityRpcs: Table<typeof IdentityService> = {
  getIDToken: ["ok", "ok", "ok", "ok", "ok"],
  getAuthenticatedIdentity: ["ok", "ok", "ok", "ok", "ok"],
  exchangeToken: ["ok", "ok", "ok", "ok", "ok"],
};
const eventRpcs: Table<typeof EventService> = {
  watchEvents: ["ok", "ok", "ok", "ok", "ok"],
  listAuditLogs: ["ok", denied, denied, denied, denied],
};
const gatewayRpcs: Table<typeof GatewayService> = {
  listGateways: ["ok", denied, denied, denied, denied],
};
const usersOnly: Row = ["ok", denied, denied, denied, denied];
const configurationRpcs: Table<typeof RunnerConfigurationService> = {
  createHostAuthenticationToken: usersOnly,
  getHostAuthenticationToken: usersOnly,
  listHostAuthenticationTokens: usersOnly,
  updateHostAuthenticationToken: usersOnly,
  deleteHostAuthenticationToken: usersOnly,
  getRunnerConfigurationSchema: usersOnly,
  createSCMIntegration: usersOnly,
  getSCMIntegration: usersOnly,
  listSCMIntegrations: usersOnly,
  updateSCMIntegration: usersOnly,
  deleteSCMIntegration: usersOnly,
  createEnvironmentClass: usersOnly,
  getEnvironmentClass: usersOnly,
  listEnvironmentClasses: usersOnly,
  updateEnvironmentClass: usersOnly,
  validateRunnerConfiguration: usersOnly,
  createLLMIntegration: usersOnly,
  getLLMIntegration: usersOnly,
  listLLMIntegrations: usersOnly,
  updateLLMIntegration: usersOnly,
  deleteLLMIntegration: usersOnly,
};

const rows: [string, DescMethod, Row][] = [
  ...rowsOf(RunnerService, runnerRpcs),
  ...rowsOf(IdentityService, identityRpcs),
  ...rowsOf(EventService, eventRpcs),
  ...rowsOf(GatewayService, gatewayRpcs),
  ...rowsOf(RunnerConfigurationService, configurationRpcs),
];

function rowsOf({ methods }: DescService, table: Readonly<Record<string, Row>>): [string, DescMethod, Row][] {
  return methods.map((method) => {
    const row = table[method.localName];
    if (row === undefined) throw new Error(`who may call ${method.name} is not in this table`);
    return [method.name, method, row];
  });
}

/** What requests need besides the id of a runner. */
type Requests<S extends DescService> = {
  readonly [Name in keyof S["method"]]?: MessageInitShape<S["method"][Name]["input"]>;
};
const contextUrl = "https://github.com/org/repo";
const policy = { groupId, role: RunnerRole.USER };
const requests: Requests<typeof RunnerService> &
  Requests<typeof IdentityService> &
  Requests<typeof RunnerConfigurationService> = {
  createRunner: productionRunner,
  updateRunner: { name: "Another Name" },
  parseContextURL: { contextUrl },
  searchRepositories: { searchString: "repo" },
  listSCMOrganizations: { scmHost: "github.com" },
  checkAuthenticationForHost: { host: "github.com" },
  checkRepositoryAccess: { repositoryUrl: contextUrl },
  createRunnerPolicy: policy,
  updateRunnerPolicy: policy,
  deleteRunnerPolicy: { groupId },
  getIDToken: { audience: ["example.com"] },
  createHostAuthenticationToken: { host: "github.com", token: "token" },
  createSCMIntegration: { scmId: "github", host: "github.com" },
  createEnvironmentClass: large,
  createLLMIntegration: { models: [SupportedModel.OPUS_4] },
};

/** What has to be there for the RPCs that name it by its own id. */
const namedKinds: readonly [rpc: RegExp, Kind][] = [
  [/^(get|update|delete)EnvironmentClass$/, environmentClass],
  [/^(get|update|delete)SCMIntegration$/, scmIntegration],
  [/^(get|update|delete)LLMIntegration$/, llmIntegration],
  [/^(get|update|delete)HostAuthenticationToken$/, hostAuthenticationToken],
];

/** How a call about this runner ends; what it needs is there. */
async function outcomeOf(
  mock: TestMock,
  method: DescMethod,
  runner: Pick<Target, "runnerId" | "exchangeToken" | "resourceId">,
  bearer?: string,
): Promise<string> {
  const { runnerId, exchangeToken, resourceId = unknownId } = runner;
  if (method === EventService.method.watchEvents) return outcomeOfWatch(mock, bearer);
  const request = {
    ...("runnerId" in method.input.field && { runnerId }),
    ...("id" in method.input.field && { id: resourceId }),
    ...("environmentClassId" in method.input.field && { environmentClassId: resourceId }),
    ...(method === IdentityService.method.exchangeToken && { exchangeToken }),
    ...(requests as Record<string, object>)[method.localName],
  };
  const client = mock.client(method.parent, { bearer }) as unknown as Record<
    string,
    (request: object) => Promise<unknown>
  >;
  const rpc = client[method.localName];
  if (rpc === undefined) throw new Error(`the client has no ${method.localName}`);
  return codeOf(rpc(request));
}

/** As lines: one that is refused is no stream then, and one that has begun has a status before anything happens. */
async function outcomeOfWatch(mock: TestMock, bearer = "", scope?: object): Promise<string> {
  const ofItself = bearer === "environment-token" ? { environmentId } : { organization: true };
  const watch = new AbortController();
  const response = await fetch(`${mock.url}/gitpod.v1.EventService/WatchEvents`, {
    method: "POST",
    headers: {
      accept: "application/jsonl",
      "content-type": "application/json",
      ...(bearer !== "" && { authorization: `Bearer ${bearer}` }),
    },
    body: JSON.stringify(scope ?? ofItself),
    signal: watch.signal,
  });
  if (!response.ok) return ((await response.json()) as { code: string }).code;
  watch.abort();
  return "ok";
}

interface Target extends Registered {
  /** Of what the RPC names by an id of its own. */
  readonly resourceId?: string;
}

/** A runner that everything can be asked of: it has signed up, and has what the RPC is about. */
async function target(mock: TestMock, method: DescMethod): Promise<Target> {
  const registered = await signedUp(mock);
  const { runnerId } = registered;
  const { updateRunnerPolicy, deleteRunnerPolicy } = RunnerService.method;
  if (method === updateRunnerPolicy || method === deleteRunnerPolicy) {
    await mock.runner.createRunnerPolicy({ runnerId, ...policy });
  }
  const [, kind] = namedKinds.find(([rpc]) => rpc.test(method.localName)) ?? [];
  const resourceId = await kind?.create(configurationOf(mock), runnerId);
  return { ...registered, ...(resourceId !== undefined && { resourceId }) };
}

describe("with auth: open, who calls decides on", () => {
  open.for(rows)("%s", async ([, method, row], { shared }) => {
    const [users, environment, itself, another, none] = row;
    const ended: Record<string, string> = {};
    const call = async (who: string, bearer?: string, runnerId?: string) => {
      const runner = await target(shared, method);
      ended[who] = await outcomeOf(
        shared,
        method,
        { ...runner, ...(runnerId !== undefined && { runnerId }) },
        bearer,
      );
    };
    const me = await register(shared);
    const { accessToken: logsToken } = await shared.runner.createRunnerLogsToken({ runnerId: me.runnerId });

    await call("nobody in particular");
    await call("whoever has a token that is not known", "somebody's token");
    await call("a user", "alice-token");
    await call("an account", "account-token");
    await call("a service account", "service-token");
    await call("a runner manager", "manager-token");
    await call("an environment", "environment-token");
    await call("a runner about another", me.accessToken);
    await call("a runner about an id that does not exist", me.accessToken, unknownId);
    await call("a runner about what is no id", me.accessToken, "runner-1");
    await call("a runner about none", me.accessToken, "");
    await call("a logs token", logsToken);
    const myself = await target(shared, method);
    ended["a runner about itself"] = await outcomeOf(shared, method, myself, myself.accessToken);

    expect(ended).toEqual({
      "nobody in particular": users,
      "whoever has a token that is not known": users,
      "a user": users,
      "an account": users,
      "a service account": users,
      "a runner manager": users,
      "an environment": environment,
      "a runner about itself": itself,
      "a runner about another": another,
      "a runner about an id that does not exist": another,
      "a runner about what is no id": another,
      "a runner about none": none,
      "a logs token": method === IdentityService.method.exchangeToken ? "ok" : denied,
    });
  });
});

describe("with auth: required, only ExchangeToken answers those who are not known", () => {
  required.for(rows)("%s", async ([, method], { shared }) => {
    const runner = shared.client(RunnerService, { bearer: "alice-token" });
    const expired = await register({ runner });
    await shared.clock.advance("10s");
    const anybody = method === IdentityService.method.exchangeToken ? "ok" : "unauthenticated";
    for (const bearer of [undefined, "nobody", expired.accessToken]) {
      const about = await register({ runner });
      expect([bearer, await outcomeOf(shared, method, about, bearer)]).toEqual([bearer, anybody]);
    }
  });
});

describe("an environment", () => {
  open.for([
    ["its own scope", { environmentId }, "ok"],
    ["its own scope, in capitals", { environmentId: environmentId.toUpperCase() }, "ok"],
    ["another one's scope", { environmentId: unknownId }, denied],
    ["the organization", { organization: true }, denied],
    ["what is not said, which is the organization", {}, denied],
  ] as const)("that watches %s: %s", async ([, scope, outcome], { shared }) => {
    expect(await outcomeOfWatch(shared, "environment-token", scope)).toBe(outcome);
  });
});
