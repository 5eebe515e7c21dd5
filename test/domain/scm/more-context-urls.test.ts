/** Pages of hosts that lead where another page leads, too. */
import { describe, expect } from "vitest";
import { RunnerPhase } from "../../../src/gen/gitpod/v1/runner_pb.ts";
import { register } from "../../support/registrations.ts";
import { sharing, test } from "../../support/shared-mock.ts";

const hash = "4f2b8c1d9e7a6053b1c8d2e4f6a79b0c3d5e7f18";

describe("leads to the same as its plainer form:", () => {
  test.for([
    ["https://www.github.com/org/repo", { branch: "main" }],
    ["https://github.com/org/repo/blame/main/src/a.ts", { branch: "main" }],
    ["https://github.com/org/repo/raw/feature/login/a.ts", { branch: "feature/login" }],
    ["https://github.com/org/repo/edit/main/a.ts", { branch: "main" }],
    ["https://github.com/org/repo/tree/refs/heads/feature/login", { branch: "feature/login" }],
    ["https://github.com/org/repo/blob/refs/tags/v1.0.0/a.ts", { tag: "v1.0.0" }],
    [`https://github.com/org/repo/commit/${hash}.patch`, { commit: hash }],
    [`https://github.com/org/repo/commit/${hash}.diff`, { commit: hash }],
    ["https://gitlab.com/group/subgroup/repo/-/blame/main/a.ts", { branch: "main" }],
    ["https://gitlab.com/group/subgroup/repo/-/edit/main/a.ts", { branch: "main" }],
    ["https://gitlab.com/group/subgroup/repo/-/releases/v1.0.0", { tag: "v1.0.0" }],
    ["https://gitlab.com/group/subgroup/repo/-/issues/incident/2", { branch: "main" }],
    ["https://bitbucket.org/workspace/repo/raw/main/a.ts", { branch: "main" }],
    ["https://bitbucket.org/workspace/repo/annotate/main/a.ts", { branch: "main" }],
    [`https://bitbucket.org/workspace/repo/src/${hash}/a.ts?at=feature%2Flogin`, { branch: "feature/login" }],
    ["https://bitbucket.org/workspace/repo/commits/main", { branch: "main" }],
    [`https://bitbucket.org/workspace/repo/commits/${hash}`, { commit: hash }],
  ] as const)("%s", async ([contextUrl, git], { shared }) => {
    expect((await shared.runner.parseContextURL({ contextUrl })).git).toMatchObject({
      branch: "",
      tag: "",
      commit: "",
      ...git,
    });
  });
});

const named = sharing({
  state: {
    scm: {
      hosts: [
        {
          host: "git.example",
          urlForm: "SCM_URL_FORM_GITLAB",
          authenticated: true,
          repositories: [{ owner: "group/sub", name: "issues" }],
        },
        {
          host: "dev.azure.com",
          urlForm: "SCM_URL_FORM_AZURE_DEVOPS",
          authenticated: true,
          repositories: [{ owner: "organization/My Project", name: "My Repo" }],
        },
      ],
    },
  },
});

named("a repository may be named as the pages of its host are", async ({ shared }) => {
  const { git } = await shared.runner.parseContextURL({ contextUrl: "https://git.example/group/sub/issues" });
  expect(git).toMatchObject({ owner: "group/sub", repo: "issues" });
});

named("a URL that is found can be asked for again, whatever its name has in it", async ({ shared }) => {
  const { runnerId } = await register(shared);
  await shared.runners.report(runnerId, { phase: RunnerPhase.ACTIVE });
  const { repositories } = await shared.runner.searchRepositories({ runnerId, searchString: "my" });
  expect(repositories).toMatchObject([
    {
      name: "organization/My Project/My Repo",
      url: "https://dev.azure.com/organization/My%20Project/_git/My%20Repo",
    },
  ]);
  const { git } = await shared.runner.parseContextURL({ contextUrl: repositories[0]?.url ?? "" });
  expect(git).toMatchObject({ repo: "My Repo", cloneUrl: repositories[0]?.url });
});
