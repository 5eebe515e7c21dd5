import { expect } from "vitest";
import type { JsonObject, RpcName } from "../client.ts";
import { productionRunner, type Story } from "./story.ts";

const groupId = "0198a1b2-c3d4-7e5f-8a6b-000000000002";
const repository = "https://github.com/org/repo";

/** Those that no other story calls with success; what they need of a runner is an active one. */
function callsAbout(runnerId: string): readonly (readonly [RpcName, JsonObject, object])[] {
  const group = { runnerId, groupId };
  const policy = (role: string) => ({ groupId, role: `RUNNER_ROLE_${role}` });
  return [
    [
      "RunnerService/CreateRunnerToken",
      { runnerId },
      { exchangeToken: expect.stringMatching(/^rmock_exchange_/) },
    ],
    ["RunnerService/CreateRunnerLogsToken", { runnerId }, { accessToken: expect.stringMatching(/\S/) }],
    [
      "RunnerService/ParseContextURL",
      { contextUrl: `${repository}/tree/feature/login` },
      { git: { cloneUrl: `${repository}.git`, branch: "feature/login" } },
    ],
    [
      "RunnerService/SearchRepositories",
      { runnerId, scmHost: "github.com", searchString: "website" },
      { repositories: [{ name: "acme/website" }, { name: "octocat/website" }] },
    ],
    [
      "RunnerService/ListSCMOrganizations",
      { runnerId, scmHost: "github.com" },
      { organizations: [{ name: "acme" }, { name: "org" }] },
    ],
    [
      "RunnerService/CheckAuthenticationForHost",
      { runnerId, host: "github.com" },
      { authenticated: true, supportsOauth2: {}, supportsPat: {} },
    ],
    ["RunnerService/CheckRepositoryAccess", { runnerId, repositoryUrl: repository }, { hasAccess: true }],
    ["RunnerService/CreateRunnerPolicy", { ...group, role: "RUNNER_ROLE_USER" }, { policy: policy("USER") }],
    [
      "RunnerService/UpdateRunnerPolicy",
      { ...group, role: "RUNNER_ROLE_ADMIN" },
      { policy: policy("ADMIN") },
    ],
    ["RunnerService/ListRunnerPolicies", { runnerId }, { policies: [policy("ADMIN")] }],
    ["RunnerService/DeleteRunnerPolicy", group, {}],
    [
      "IdentityService/GetIDToken",
      { audience: ["example.com"] },
      { token: expect.stringMatching(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/) },
    ],
    ["GatewayService/ListGateways", {}, { gateways: [{}, {}] }],
  ];
}

export const everyRpc: Story = {
  title: "every other RPC answers",
  async tell(teller) {
    const { runner, accessToken } = await teller.answers("RunnerService/CreateRunner", productionRunner, {});
    await teller.answers("IdentityService/GetAuthenticatedIdentity", {}, {}, accessToken);
    for (const [rpc, request, expected] of callsAbout(runner.runnerId)) {
      if (teller.kind.lacks?.[rpc] === undefined) await teller.answers(rpc, request, expected);
    }
  },
};
