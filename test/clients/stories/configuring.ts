import { expect } from "vitest";
import type { JsonObject, RpcName } from "../client.ts";
import type { Teller } from "../teller.ts";
import { productionRunner, type Story } from "./story.ts";

/** A kind of resource, in the words of its RPCs. */
interface Kind {
  readonly one: string;
  readonly many: string;
  /** The field of replies that has one of them; of pages, that has many. */
  readonly field: string;
  readonly items: string;
  readonly idField: string;
  /** What a request makes, the same in replies. */
  made(number: number): JsonObject;
  /** What only the request has. */
  readonly secrets?: JsonObject;
  readonly changes: JsonObject;
  /** Absent: it cannot be deleted. */
  readonly notFound?: string;
}

const kinds: readonly Kind[] = [
  {
    one: "EnvironmentClass",
    many: "EnvironmentClasses",
    field: "environmentClass",
    items: "environmentClasses",
    idField: "environmentClassId",
    made: (number) => ({
      displayName: `Class ${number}`,
      description: "8 CPUs, 32 GB of memory",
      configuration: [
        { key: "machineType", value: "m6i.2xlarge" },
        { key: "diskSizeGb", value: "100" },
      ],
    }),
    changes: { displayName: "Another Class" },
  },
  {
    one: "SCMIntegration",
    many: "SCMIntegrations",
    field: "integration",
    items: "integrations",
    idField: "id",
    made: (number) => ({ scmId: "gitlab", host: `git-${number}.example.com`, pat: true }),
    secrets: { oauthClientId: "client", oauthPlaintextClientSecret: "client secret" },
    changes: { virtualDirectory: "/tfs" },
    notFound: "SCM integration not found",
  },
  {
    one: "LLMIntegration",
    many: "LLMIntegrations",
    field: "integration",
    items: "integrations",
    idField: "id",
    made: () => ({ models: ["SUPPORTED_MODEL_SONNET_4"], endpoint: "https://models.example.com" }),
    secrets: { apiKey: "api key" },
    changes: { endpoint: "https://other.example.com" },
    notFound: "LLM integration not found",
  },
  {
    one: "HostAuthenticationToken",
    many: "HostAuthenticationTokens",
    field: "token",
    items: "tokens",
    idField: "id",
    made: (number) => ({
      host: `git-${number}.example.com`,
      source: "HOST_AUTHENTICATION_TOKEN_SOURCE_PAT",
      userId: "f53d2330-3795-4c5d-a1f3-453121af9c60",
    }),
    secrets: { token: "personal access token", refreshToken: "refresh token" },
    changes: { expiresAt: "2030-01-01T00:00:00Z" },
    notFound: "host authentication token not found",
  },
];

const rpc = (name: string): RpcName => `RunnerConfigurationService/${name}`;

/** Three are made, listed on two pages, one of them is read, changed, read again and deleted. */
async function tellOf(teller: Teller, kind: Kind, runnerId: string): Promise<void> {
  const { one, many, field, items, idField, made, secrets, changes, notFound } = kind;
  const ids: string[] = [];
  for (let number = 0; number < 3; number++) {
    const request = { runnerId, ...made(number), ...secrets };
    const reply = await teller.answers(rpc(`Create${one}`), request, {});
    ids.push(reply.id ?? reply[field].id);
  }
  const filter = one === "HostAuthenticationToken" ? { runnerId } : { runnerIds: [runnerId] };
  const request = { filter, pagination: { pageSize: 2 } };
  const listed = await teller.lists(rpc(`List${many}`), request, items, 2);
  expect(listed).toMatchObject(ids.map((id, number) => ({ id, runnerId, ...made(number) })));

  const [id = ""] = ids;
  const before = await teller.answers(rpc(`Get${one}`), { [idField]: id }, { [field]: listed[0] });
  await teller.answers(rpc(`Update${one}`), { [idField]: id, ...changes }, {});
  await teller.answers(rpc(`Get${one}`), { [idField]: id }, { [field]: { ...before[field], ...changes } });
  if (notFound === undefined) return;
  await teller.answers(rpc(`Delete${one}`), { id }, {});
  await teller.fails(rpc(`Get${one}`), { id }, { code: "not_found", message: notFound });
}

export const configuring: Story = {
  title: "runners are configured",
  async tell(teller) {
    const { runner } = await teller.answers("RunnerService/CreateRunner", productionRunner, {});
    const { runnerId } = runner;
    await teller.mock.runners.report(runnerId, { publicKey: new Uint8Array(32).fill(9) });
    const { schema } = await teller.answers(rpc("GetRunnerConfigurationSchema"), { runnerId }, {});
    expect(schema.environmentClasses).toMatchObject([{ id: "machineType", required: true }, {}, {}, {}]);
    await teller.answers(
      rpc("ValidateRunnerConfiguration"),
      { runnerId, scmIntegration: { scmId: "github", host: "https://github.com", pat: true } },
      { scmIntegration: { hostError: expect.stringContaining("github.com") } },
    );
    for (const kind of kinds) {
      if (teller.kind.lacks?.[rpc(`Create${kind.one}`)] === undefined) await tellOf(teller, kind, runnerId);
    }
  },
};
