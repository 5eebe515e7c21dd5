/** The official Node SDK, in this process, as it comes from npm. */
import { readFileSync } from "node:fs";
import Gitpod, { APIError } from "@gitpod/sdk";
import { readerOf } from "../../support/node-sdk.ts";
import { type ClientKind, type JsonObject, type Outcome, type RpcName, userBearer } from "../client.ts";

const manifest = new URL("../../../node_modules/@gitpod/sdk/package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };

type Method = (client: Gitpod) => (request: never) => PromiseLike<unknown>;

interface Configurable {
  create(request: never): PromiseLike<unknown>;
  retrieve(request: never): PromiseLike<unknown>;
  list(request: never): PromiseLike<unknown>;
  update(request: never): PromiseLike<unknown>;
  delete?(request: never): PromiseLike<unknown>;
}

/** The RPCs of a kind of resource, whose methods are called alike. */
function configuring(one: string, many: string, of: (configurations: Configurations) => Configurable) {
  const names = { create: one, retrieve: one, list: many, update: one, delete: one };
  const verbs = { create: "Create", retrieve: "Get", list: "List", update: "Update", delete: "Delete" };
  return Object.fromEntries(
    (Object.keys(names) as (keyof typeof names)[]).map((name): [RpcName, Method] => [
      `RunnerConfigurationService/${verbs[name]}${names[name]}`,
      ({ runners: { configurations } }) => {
        const resource = of(configurations);
        const method = resource[name];
        if (method === undefined) throw new Error(`the SDK cannot ${name} ${many}`);
        return method.bind(resource);
      },
    ]),
  );
}

type Configurations = Gitpod["runners"]["configurations"];

/** How each RPC is called; the SDK checks nothing of what it sends. */
const methods: Readonly<Record<RpcName, Method>> = {
  "RunnerService/CreateRunner": ({ runners }) => runners.create.bind(runners),
  "RunnerService/GetRunner": ({ runners }) => runners.retrieve.bind(runners),
  "RunnerService/ListRunners": ({ runners }) => runners.list.bind(runners),
  "RunnerService/UpdateRunner": ({ runners }) => runners.update.bind(runners),
  "RunnerService/DeleteRunner": ({ runners }) => runners.delete.bind(runners),
  "RunnerService/CreateRunnerToken": ({ runners }) => runners.createRunnerToken.bind(runners),
  "RunnerService/ParseContextURL": ({ runners }) => runners.parseContextURL.bind(runners),
  "RunnerService/CheckAuthenticationForHost": ({ runners }) =>
    runners.checkAuthenticationForHost.bind(runners),
  "RunnerService/CreateRunnerPolicy": ({ runners: { policies } }) => policies.create.bind(policies),
  "RunnerService/UpdateRunnerPolicy": ({ runners: { policies } }) => policies.update.bind(policies),
  "RunnerService/ListRunnerPolicies": ({ runners: { policies } }) => policies.list.bind(policies),
  "RunnerService/DeleteRunnerPolicy": ({ runners: { policies } }) => policies.delete.bind(policies),
  "IdentityService/ExchangeToken": ({ identity }) => identity.exchangeToken.bind(identity),
  "IdentityService/GetAuthenticatedIdentity": ({ identity }) =>
    identity.getAuthenticatedIdentity.bind(identity),
  "IdentityService/GetIDToken": ({ identity }) => identity.getIDToken.bind(identity),
  "EventService/ListAuditLogs": ({ events }) => events.list.bind(events),
  "GatewayService/ListGateways": ({ gateways }) => gateways.list.bind(gateways),
  "RunnerConfigurationService/GetRunnerConfigurationSchema": ({ runners: { configurations } }) =>
    configurations.schema.retrieve.bind(configurations.schema),
  "RunnerConfigurationService/ValidateRunnerConfiguration": ({ runners: { configurations } }) =>
    configurations.validate.bind(configurations),
  ...configuring("EnvironmentClass", "EnvironmentClasses", (all) => all.environmentClasses),
  ...configuring("SCMIntegration", "SCMIntegrations", (all) => all.scmIntegrations),
  ...configuring(
    "HostAuthenticationToken",
    "HostAuthenticationTokens",
    (all) => all.hostAuthenticationTokens,
  ),
};

/** Newer than this version. */
const unknown = [
  "RunnerService/CreateRunnerLogsToken",
  "RunnerService/SearchRepositories",
  "RunnerService/ListSCMOrganizations",
  "RunnerService/CheckRepositoryAccess",
  "RunnerConfigurationService/CreateLLMIntegration",
];

export const nodeSdk: ClientKind = {
  name: `Node SDK ${version}`,
  userAgent: /^Gitpod\/JS /,
  speaks: ["Connect JSON, HTTP/1.1", "JSON Lines, HTTP/1.1"],
  missing: undefined,
  lacks: Object.fromEntries(unknown.map((rpc) => [rpc, `not in version ${version}`])),
  attempts: { already_exists: 3, resource_exhausted: 3, unavailable: 3 },
  async open(url) {
    const client = new Gitpod({ baseURL: `${url}/api`, bearerToken: userBearer });
    const run = (rpc: RpcName, request: JsonObject, bearerToken: string) => {
      const method = methods[rpc]?.(
        bearerToken === userBearer ? client : client.withOptions({ bearerToken }),
      );
      if (method === undefined) throw new Error(`the SDK has no ${rpc}`);
      return method(request as never);
    };
    return {
      async call(rpc, request, bearer = userBearer) {
        try {
          return { reply: plain(await run(rpc, request, bearer)) };
        } catch (error) {
          return failure(error);
        }
      },
      async list(rpc, request) {
        const items: JsonObject[] = [];
        for await (const item of (await run(rpc, request, userBearer)) as AsyncIterable<JsonObject>)
          items.push(item);
        return items;
      },
      async watch(request) {
        const stream = await client.events.watch(request);
        const next = readerOf(stream);
        return {
          next: async (count) => (await next(count)) as unknown as JsonObject[],
          async end() {
            stream.controller.abort();
          },
        };
      },
      async close() {},
    };
  },
};

/** The data of a reply: a page is a class with ways to the next one. */
const plain = (reply: unknown): JsonObject =>
  JSON.parse(
    JSON.stringify(reply, (key, value) =>
      ["options", "response", "body", "client"].includes(key) ? undefined : value,
    ),
  );

function failure(error: unknown): Outcome {
  if (!(error instanceof APIError)) throw error;
  const { code, message } = error.error as { code: string; message: string };
  return { error: { code, message } };
}
