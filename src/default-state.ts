/**
 * What a world knows where no state document says otherwise: a few repositories on the four best known hosts, the
 * reference's own example among them, two gateways, and what can be configured on runners.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { defaultSchemas } from "./default-schemas.ts";
import { PullRequest_State } from "./gen/gitpod/v1/agent_pb.ts";
import { ScmUrlForm, type StateSchema } from "./gen/runnermock/v1/state_pb.ts";

const commits = {
  main: "4f2b8c1d9e7a6053b1c8d2e4f6a79b0c3d5e7f18",
  feature: "9c1d3e5f7a8b0c2d4e6f8091a3b5c7d9e1f30527",
  release: "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
};

const branches = [
  { name: "main", commit: commits.main },
  { name: "feature/login", commit: commits.feature },
];
const tags = [{ name: "v1.0.0", commit: commits.release }];

/** One that is asked to be merged, and one issue: at every host the same, with its own URL. */
const discussions = (urlOf: (id: string) => string) => ({
  pullRequests: [
    {
      id: "1",
      title: "Let people log in",
      fromBranch: "feature/login",
      toBranch: "main",
      url: urlOf("1"),
      author: "octocat",
      state: PullRequest_State.OPEN,
      headSha: commits.feature,
    },
  ],
  issues: [{ id: "2", title: "Nobody can log in" }],
});

export const defaultState: MessageInitShape<typeof StateSchema> = {
  scm: {
    hosts: [
      {
        host: "github.com",
        urlForm: ScmUrlForm.GITHUB,
        name: "GitHub",
        authenticated: true,
        oauth2: { authUrl: "https://github.com/login/oauth/authorize", docsUrl: "https://docs.github.com" },
        pat: {
          createUrl: "https://github.com/settings/tokens/new",
          docsUrl: "https://docs.github.com",
          example: "ghp_…",
          requiredScopes: ["repo", "read:user", "user:email"],
        },
        organizations: [
          { name: "acme", url: "https://github.com/acme" },
          { name: "org", url: "https://github.com/org", isAdmin: true },
        ],
        repositories: [
          {
            owner: "org",
            name: "repo",
            branches,
            tags,
            ...discussions((id) => `https://github.com/org/repo/pull/${id}`),
          },
          { owner: "acme", name: "website", branches },
          {
            owner: "octocat",
            name: "website",
            upstreamRemoteUrl: "https://github.com/acme/website.git",
            branches,
          },
          { owner: "acme", name: "secret-plans", forbidden: true },
        ],
      },
      {
        host: "gitlab.com",
        urlForm: ScmUrlForm.GITLAB,
        name: "GitLab",
        authenticated: true,
        oauth2: { authUrl: "https://gitlab.com/oauth/authorize", docsUrl: "https://docs.gitlab.com" },
        pat: {
          createUrl: "https://gitlab.com/-/user_settings/personal_access_tokens",
          docsUrl: "https://docs.gitlab.com",
          example: "glpat-…",
          requiredScopes: ["read_user", "api"],
        },
        organizations: [
          { name: "group", url: "https://gitlab.com/group", isAdmin: true },
          { name: "group/subgroup", url: "https://gitlab.com/group/subgroup" },
        ],
        repositories: [
          {
            owner: "group/subgroup",
            name: "repo",
            branches,
            tags,
            ...discussions((id) => `https://gitlab.com/group/subgroup/repo/-/merge_requests/${id}`),
          },
        ],
      },
      {
        host: "bitbucket.org",
        urlForm: ScmUrlForm.BITBUCKET,
        name: "Bitbucket",
        authenticated: true,
        oauth2: {
          authUrl: "https://bitbucket.org/site/oauth2/authorize",
          docsUrl: "https://support.atlassian.com/bitbucket-cloud/",
        },
        organizations: [{ name: "workspace", url: "https://bitbucket.org/workspace" }],
        repositories: [
          {
            owner: "workspace",
            name: "repo",
            branches,
            tags,
            ...discussions((id) => `https://bitbucket.org/workspace/repo/pull-requests/${id}`),
          },
        ],
      },
      {
        host: "dev.azure.com",
        urlForm: ScmUrlForm.AZURE_DEVOPS,
        name: "Azure DevOps",
        // So that there is one host where people have to sign in first.
        authenticated: false,
        pat: {
          createUrl: "https://dev.azure.com/_usersSettings/tokens",
          docsUrl: "https://learn.microsoft.com/azure/devops/",
          requiredScopes: ["vso.code_write"],
        },
        organizations: [{ name: "organization", url: "https://dev.azure.com/organization" }],
        repositories: [
          {
            owner: "organization/project",
            name: "repo",
            branches,
            tags,
            ...discussions((id) => `https://dev.azure.com/organization/project/_git/repo/pullrequest/${id}`),
          },
          // Work items belong to the project, and so to the repository of its name.
          {
            owner: "organization/project",
            name: "project",
            branches,
            issues: [{ id: "2", title: "Nobody can log in" }],
          },
        ],
      },
    ],
  },
  gateways: [
    { name: "eu-central", url: "https://eu-central.gateway.example", region: "eu-central-1" },
    { name: "us-west", url: "https://us-west.gateway.example", region: "us-west-2" },
  ],
  configurationSchemas: defaultSchemas,
};
