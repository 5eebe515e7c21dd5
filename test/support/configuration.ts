/** What is configured on runners: the four kinds of resources, each with the calls that all of them have. */
import type { DescMessage } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import sodium from "libsodium-wrappers";
import {
  EnvironmentClassSchema,
  HostAuthenticationTokenSchema,
  HostAuthenticationTokenSource,
  LLMIntegrationSchema,
  RunnerConfigurationService,
  SCMIntegrationSchema,
  SupportedModel,
} from "../../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerPhase } from "../../src/gen/gitpod/v1/runner_pb.ts";
import type { ClientOptions, TestMock } from "./mock.ts";
import { type CreateRunnerInit, type HasRunnerClient, type Registered, register } from "./registrations.ts";

export type ConfigurationClient = Client<typeof RunnerConfigurationService>;

export const configurationOf = (mock: TestMock, options?: ClientOptions): ConfigurationClient =>
  mock.client(RunnerConfigurationService, options);

export const subjectIds = Array.from(
  { length: 130 },
  (_, index) => `5ab1ec70-0000-4000-8000-0000000a${index.toString(16).padStart(4, "0")}`,
);

export interface Keys {
  readonly publicKey: Uint8Array;
  readonly privateKey: Uint8Array;
}

/** What was encrypted for the keys' owner. */
export function opened(sealed: Uint8Array | undefined, { publicKey, privateKey }: Keys): string {
  return Buffer.from(
    sodium.crypto_box_seal_open(sealed ?? new Uint8Array(), publicKey, privateKey),
  ).toString();
}

/** A runner that has signed up: it is ACTIVE, and has a public key. */
export async function signedUp(
  mock: TestMock,
  request?: CreateRunnerInit,
  users: HasRunnerClient = mock,
): Promise<Registered & Keys> {
  const registered = await register(users, request);
  await sodium.ready;
  const { publicKey, privateKey } = sodium.crypto_box_keypair();
  await mock.runners.report(registered.runnerId, { publicKey, phase: RunnerPhase.ACTIVE });
  return { ...registered, publicKey, privateKey };
}

/** A kind of resource. Each `create` makes another one, by its number. */
export interface Kind {
  readonly title: string;
  readonly desc: DescMessage;
  /** As events name it. */
  readonly type: string;
  readonly notFound: string;
  create(client: ConfigurationClient, runnerId: string, number?: number): Promise<string>;
  get(client: ConfigurationClient, id: string): Promise<{ readonly id: string } | undefined>;
  list(client: ConfigurationClient, runnerIds?: string[], pagination?: object): Promise<Listed>;
  /** What a new one is like. */
  readonly made: object;
  update(client: ConfigurationClient, id: string): Promise<unknown>;
  /** What the update makes of it. */
  readonly updated: object;
  /** An update that sets nothing. */
  touch(client: ConfigurationClient, id: string): Promise<unknown>;
  /** Absent: it cannot be deleted. */
  delete?(client: ConfigurationClient, id: string): Promise<unknown>;
}

export interface Listed {
  readonly items: readonly { readonly id: string }[];
  readonly nextToken: string;
}

const listed = (
  items: readonly { readonly id: string }[],
  { pagination }: { pagination?: { nextToken: string } | undefined },
): Listed => ({ items, nextToken: pagination?.nextToken ?? "missing" });

/** The request of a list. */
const ofRunners = (runnerIds?: string[], pagination?: object) => ({
  ...(runnerIds && { filter: { runnerIds } }),
  ...(pagination && { pagination }),
});

export const large = {
  displayName: "Large",
  description: "8 CPUs, 32 GB of memory",
  configuration: [
    { key: "machineType", value: "m6i.2xlarge" },
    { key: "diskSizeGb", value: "100" },
  ],
};

export const environmentClass: Kind = {
  title: "an environment class",
  desc: EnvironmentClassSchema,
  type: "ENVIRONMENT_CLASS",
  notFound: "not_found: environment class not found",
  create: async (client, runnerId) => (await client.createEnvironmentClass({ ...large, runnerId })).id,
  get: async (client, environmentClassId) =>
    (await client.getEnvironmentClass({ environmentClassId })).environmentClass,
  async list(client, runnerIds, pagination) {
    const reply = await client.listEnvironmentClasses(ofRunners(runnerIds, pagination));
    return listed(reply.environmentClasses, reply);
  },
  made: { ...large, enabled: true },
  update: (client, environmentClassId) =>
    client.updateEnvironmentClass({ environmentClassId, displayName: "Not so large", enabled: false }),
  updated: { ...large, displayName: "Not so large", enabled: false },
  touch: (client, environmentClassId) => client.updateEnvironmentClass({ environmentClassId }),
};

export const scmIntegration: Kind = {
  title: "an SCM integration",
  desc: SCMIntegrationSchema,
  type: "RUNNER_SCM_INTEGRATION",
  notFound: "not_found: SCM integration not found",
  create: async (client, runnerId, number = 0) =>
    (
      await client.createSCMIntegration({
        runnerId,
        scmId: "gitlab",
        host: `git-${number}.example.com`,
        pat: true,
      })
    ).id,
  get: async (client, id) => (await client.getSCMIntegration({ id })).integration,
  async list(client, runnerIds, pagination) {
    const reply = await client.listSCMIntegrations(ofRunners(runnerIds, pagination));
    return listed(reply.integrations, reply);
  },
  made: { scmId: "gitlab", host: "git-0.example.com", pat: true },
  update: (client, id) => client.updateSCMIntegration({ id, pat: false, virtualDirectory: "/tfs" }),
  updated: { scmId: "gitlab", host: "git-0.example.com", pat: false, virtualDirectory: "/tfs" },
  touch: (client, id) => client.updateSCMIntegration({ id }),
  delete: (client, id) => client.deleteSCMIntegration({ id }),
};

const { SONNET_4, OPENAI_4O } = SupportedModel;

export const llmIntegration: Kind = {
  title: "an LLM integration",
  desc: LLMIntegrationSchema,
  type: "RUNNER_LLM_INTEGRATION",
  notFound: "not_found: LLM integration not found",
  create: async (client, runnerId) =>
    (
      await client.createLLMIntegration({
        runnerId,
        models: [SONNET_4],
        endpoint: "https://models.example.com",
        apiKey: "hush-api-key",
        maxTokens: 8_000n,
      })
    ).id,
  get: async (client, id) => (await client.getLLMIntegration({ id })).integration,
  async list(client, runnerIds, pagination) {
    const reply = await client.listLLMIntegrations(ofRunners(runnerIds, pagination));
    return listed(reply.integrations, reply);
  },
  made: {
    models: [SONNET_4],
    endpoint: "https://models.example.com",
    maxTokens: 8_000n,
    phase: 1,
    provider: 1,
  },
  update: (client, id) => client.updateLLMIntegration({ id, models: [OPENAI_4O], maxTokens: 0n }),
  updated: {
    models: [OPENAI_4O],
    endpoint: "https://models.example.com",
    maxTokens: 0n,
    phase: 1,
    provider: 2,
  },
  touch: (client, id) => client.updateLLMIntegration({ id }),
  delete: (client, id) => client.deleteLLMIntegration({ id }),
};

export const hostAuthenticationToken: Kind = {
  title: "a host authentication token",
  desc: HostAuthenticationTokenSchema,
  type: "HOST_AUTHENTICATION_TOKEN",
  notFound: "not_found: host authentication token not found",
  create: async (client, runnerId, number = 0) =>
    (
      await client.createHostAuthenticationToken({
        runnerId,
        userId: subjectIds[number] ?? "",
        host: "git.example.com",
        token: "hush-token",
        refreshToken: "hush-refresh",
        source: HostAuthenticationTokenSource.OAUTH,
        scopes: ["repo"],
      })
    ).token?.id ?? "",
  get: async (client, id) => (await client.getHostAuthenticationToken({ id })).token,
  async list(client, runnerIds, pagination) {
    const [runnerId] = runnerIds ?? [];
    const reply = await client.listHostAuthenticationTokens({
      ...(runnerId !== undefined && { filter: { runnerId } }),
      ...(pagination && { pagination }),
    });
    return listed(reply.tokens, reply);
  },
  made: {
    host: "git.example.com",
    source: HostAuthenticationTokenSource.OAUTH,
    scopes: ["repo"],
    userId: subjectIds[0],
    subject: { id: subjectIds[0], principal: 2 },
  },
  update: (client, id) => client.updateHostAuthenticationToken({ id, scopes: ["repo", "user"] }),
  updated: { host: "git.example.com", scopes: ["repo", "user"], userId: subjectIds[0] },
  touch: (client, id) => client.updateHostAuthenticationToken({ id }),
  delete: (client, id) => client.deleteHostAuthenticationToken({ id }),
};

export const kinds = [environmentClass, scmIntegration, llmIntegration, hostAuthenticationToken].map(
  (kind) => [kind.title, kind] as const,
);

/** All ids of a list, page by page. */
export async function idsOf(
  { list }: Kind,
  client: ConfigurationClient,
  runnerIds?: string[],
  pageSize = 100,
): Promise<string[]> {
  const ids: string[] = [];
  for (let token = ""; ; ) {
    const { items, nextToken } = await list(client, runnerIds, { pageSize, token });
    ids.push(...items.map(({ id }) => id));
    if (nextToken === "") return ids;
    token = nextToken;
  }
}
