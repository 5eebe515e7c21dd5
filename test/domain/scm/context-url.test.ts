/** ParseContextURL: what the URLs of each kind of host lead to. What cannot be read is in context-url-errors.test.ts. */
import { create, type MessageJsonType, toJson } from "@bufbuild/protobuf";
import { describe, expect } from "vitest";
import { defaultState } from "../../../src/default-state.ts";
import { ParseContextURLResponseSchema } from "../../../src/gen/gitpod/v1/runner_pb.ts";
import { type ScmHostJson, StateSchema } from "../../../src/gen/runnermock/v1/state_pb.ts";
import type { TestMock } from "../../support/mock.ts";
import { sharing, test } from "../../support/shared-mock.ts";

type AnswerJson = MessageJsonType<typeof ParseContextURLResponseSchema>;

const mainHash = "4f2b8c1d9e7a6053b1c8d2e4f6a79b0c3d5e7f18";
const featureHash = "9c1d3e5f7a8b0c2d4e6f8091a3b5c7d9e1f30527";
const releaseHash = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567";

/** All of the answer, as JSON has it: without what is not set. */
async function answerTo(mock: TestMock, contextUrl: string): Promise<AnswerJson> {
  return toJson(ParseContextURLResponseSchema, await mock.runner.parseContextURL({ contextUrl }));
}

/** What a URL leads to: what of this is not set is not there. */
interface Lead {
  readonly branch?: string;
  readonly tag?: string;
  readonly commit?: string;
  readonly pullRequest?: string;
  readonly issue?: string;
}

async function leadOf(mock: TestMock, contextUrl: string): Promise<Lead> {
  const { git, pr, pullRequest, issue } = await answerTo(mock, contextUrl);
  const { branch, tag, commit } = git ?? {};
  expect(pr?.id, "pr tells the same as pull_request").toBe(pullRequest?.id);
  const lead = { branch, tag, commit, pullRequest: pullRequest?.id, issue: issue?.id };
  return JSON.parse(JSON.stringify(lead));
}

async function nameOf(mock: TestMock, contextUrl: string): Promise<string> {
  const { git } = await answerTo(mock, contextUrl);
  return `${git?.host}: ${git?.owner} / ${git?.repo}`;
}

const main: Lead = { branch: "main" };
const login: Lead = { branch: "feature/login" };
const release: Lead = { tag: "v1.0.0" };
const commit: Lead = { commit: mainHash };
const pullRequest: Lead = { branch: "feature/login", pullRequest: "1" };
const issue: Lead = { branch: "main", issue: "2" };

describe("at github.com https://github.com/org/repo", () => {
  test.for<[string, Lead]>([
    ["", main],
    ["/", main],
    [".git", main],
    [".git/", main],
    ["?tab=readme-ov-file", main],
    ["#readme", main],
    ["/tree/main", main],
    ["/tree/main/", main],
    ["/tree/main/src", main],
    ["/commits/main", main],
    ["/tree/feature/login", login],
    ["/tree/feature%2Flogin", login],
    ["/tree/feature/login/src", login],
    ["/tree/v1.0.0", release],
    ["/releases/tag/v1.0.0", release],
    [`/commit/${mainHash}`, commit],
    ["/commit/4f2b8c1", commit],
    ["/commit/4F2B8C1D", commit],
    [`/commit/${featureHash}`, { commit: featureHash }],
    [`/commit/${releaseHash}`, { commit: releaseHash }],
    [`/tree/${mainHash}`, commit],
    ["/blob/main/README.md", main],
    ["/blob/main/docs/a%20file.md?plain=1#L10-L20", main],
    ["/blob/feature/login/src/index.ts", login],
    ["/blob/v1.0.0/README.md", release],
    ["/blob/4f2b8c1/README.md", commit],
    ["/pull/1", pullRequest],
    ["/pull/1/", pullRequest],
    ["/pull/1/files", pullRequest],
    [`/pull/1/commits/${featureHash}`, pullRequest],
    ["/issues/2", issue],
    ["/issues/2#issuecomment-1", issue],
  ])("%s leads to %j", async ([rest, lead], { shared }) => {
    expect(await leadOf(shared, `https://github.com/org/repo${rest}`)).toEqual(lead);
  });
});

describe("at gitlab.com https://gitlab.com/group/subgroup/repo", () => {
  test.for<[string, Lead]>([
    ["", main],
    ["/", main],
    [".git", main],
    ["/-/tree/main", main],
    ["/-/tree/main/-/docs", main],
    ["/-/commits/main", main],
    ["/-/tree/feature/login", login],
    ["/-/tree/feature%2Flogin?ref_type=heads", login],
    ["/-/tags/v1.0.0", release],
    ["/-/tree/v1.0.0", release],
    [`/-/commit/${mainHash}`, commit],
    ["/-/commit/4f2b8c1d", commit],
    ["/-/blob/main/README.md", main],
    ["/-/raw/main/README.md", main],
    ["/-/blob/feature/login/src/index.ts?ref_type=heads#L10", login],
    ["/-/merge_requests/1", pullRequest],
    ["/-/merge_requests/1/diffs", pullRequest],
    ["/-/issues/2", issue],
    ["/-/issues/2/designs", issue],
    ["/-/work_items/2", issue],
    ["/tree/main", main],
    ["/tree/feature/login", login],
    ["/blob/feature/login/src/index.ts", login],
    ["/raw/main/README.md", main],
    ["/commits/main", main],
    ["/commit/4f2b8c1", commit],
    ["/tags/v1.0.0", release],
    ["/merge_requests/1", pullRequest],
    ["/issues/2", issue],
  ])("%s leads to %j", async ([rest, lead], { shared }) => {
    expect(await leadOf(shared, `https://gitlab.com/group/subgroup/repo${rest}`)).toEqual(lead);
  });
});

describe("at bitbucket.org https://bitbucket.org/workspace/repo", () => {
  test.for<[string, Lead]>([
    ["", main],
    ["/", main],
    [".git", main],
    ["/src", main],
    ["/src/main/", main],
    ["/branch/main", main],
    ["/commits/branch/main", main],
    ["/branch/feature/login", login],
    ["/branch/feature%2Flogin?dest=main", login],
    ["/commits/branch/feature%2Flogin", login],
    ["/src/feature%2Flogin/", login],
    ["/commits/tag/v1.0.0", release],
    ["/src/v1.0.0/", release],
    [`/commits/${mainHash}`, commit],
    ["/commits/4f2b8c1", commit],
    ["/src/4f2b8c1/README.md", commit],
    ["/src/main/README.md", main],
    ["/src/feature/login/src/index.ts", login],
    ["/pull-requests/1", pullRequest],
    ["/pull-requests/1/let-people-log-in/diff", pullRequest],
    ["/issues/2", issue],
    ["/issues/2/nobody-can-log-in", issue],
  ])("%s leads to %j", async ([rest, lead], { shared }) => {
    expect(await leadOf(shared, `https://bitbucket.org/workspace/repo${rest}`)).toEqual(lead);
  });
});

const { scm } = toJson(StateSchema, create(StateSchema, defaultState));
/** The default hosts, all of them signed in to. */
const signedIn = sharing({
  state: {
    scm: {
      hosts: (scm?.hosts ?? []).map((host) => ({
        ...host,
        authenticated: true,
      })),
    },
  },
});

describe("at dev.azure.com https://dev.azure.com/organization/project/", () => {
  signedIn.for<[string, Lead]>([
    ["_git/repo", main],
    ["_git/repo/", main],
    ["_git/repo.git", main],
    ["_git/repo?path=/README.md", main],
    ["_git/repo?version=GBmain", main],
    ["_git/repo?version=GBfeature/login", login],
    ["_git/repo?version=GBfeature%2Flogin&_a=contents", login],
    ["_git/repo?version=GTv1.0.0", release],
    [`_git/repo?version=GC${mainHash}`, commit],
    [`_git/repo/commit/${mainHash}?refName=refs%2Fheads%2Fmain`, commit],
    ["_git/repo/commit/4f2b8c1d", commit],
    ["_git/repo?path=/README.md&version=GBmain", main],
    ["_git/repo?path=%2Fsrc%2Findex.ts&version=GBfeature%2Flogin&line=10", login],
    ["_git/repo/pullrequest/1", pullRequest],
    ["_git/repo/pullrequest/1?_a=files", pullRequest],
    ["_workitems/edit/2", issue],
    ["_workitems/edit/2/", issue],
  ])("%s leads to %j", async ([rest, lead], { shared }) => {
    expect(await leadOf(shared, `https://dev.azure.com/organization/project/${rest}`)).toEqual(lead);
  });
});

describe("a URL leads to the repository that it names", () => {
  const azure = "dev.azure.com: organization/project";
  signedIn.for([
    ["https://github.com/ORG/Repo", "github.com: org / repo"],
    ["HTTP://GitHub.com/org/repo", "github.com: org / repo"],
    ["https://octocat@github.com/acme/website", "github.com: acme / website"],
    ["https://github.com:443/octocat/WebSite/tree/main", "github.com: octocat / website"],
    ["https://gitlab.com/Group/SubGroup/REPO/-/tree/main", "gitlab.com: group/subgroup / repo"],
    ["https://bitbucket.org/Workspace/Repo", "bitbucket.org: workspace / repo"],
    ["https://organization@dev.azure.com/Organization/Project/_git/Repo", `${azure} / repo`],
    ["https://dev.azure.com/organization/project/_git/project", `${azure} / project`],
    ["https://dev.azure.com/organization/_git/project", `${azure} / project`],
  ] as const)("whatever else it says, and in whatever case: %s", async ([url, name], { shared }) => {
    expect(await nameOf(shared, url)).toBe(name);
  });
});

describe("the answer has in full", () => {
  const gitAt = (host: string, owner: string, cloneUrl = `https://${host}/${owner}/repo.git`) => ({
    cloneUrl,
    host,
    owner,
    repo: "repo",
  });
  const github = gitAt("github.com", "org");
  const gitlab = gitAt("gitlab.com", "group/subgroup");
  const { repo: name, ...inGitlab } = gitlab;
  const azureUrl = "https://dev.azure.com/organization/project/_git/repo";
  const azure = gitAt("dev.azure.com", "organization/project", azureUrl);
  const requestUrl = "https://gitlab.com/group/subgroup/repo/-/merge_requests/1";
  const pr = { id: "1", title: "Let people log in", fromBranch: "feature/login", toBranch: "main" };
  const more = { url: requestUrl, author: "octocat", state: "STATE_OPEN", headSha: featureHash } as const;
  const fork = {
    ...gitAt("github.com", "octocat", "https://github.com/octocat/website.git"),
    repo: "website",
    upstreamRemoteUrl: "https://github.com/acme/website.git",
  };

  signedIn.for<[string, string, Omit<AnswerJson, "originalContextUrl">]>([
    ["a repository", "https://github.com/org/repo", { git: { ...github, ...main }, scmId: "github" }],
    [
      "a branch",
      "https://bitbucket.org/workspace/repo/branch/feature/login",
      { git: { ...gitAt("bitbucket.org", "workspace"), ...login }, scmId: "bitbucket" },
    ],
    ["a tag", `${azureUrl}?version=GTv1.0.0`, { git: { ...azure, ...release }, scmId: "azuredevops" }],
    [
      "a commit",
      "https://github.com/org/repo/commit/4f2b8c1",
      { git: { ...github, ...commit }, scmId: "github" },
    ],
    [
      "a file of a fork",
      "https://github.com/octocat/website/blob/feature/login/index.html",
      { git: { ...fork, ...login }, scmId: "github" },
    ],
    [
      "a merge request",
      requestUrl,
      {
        git: { ...gitlab, ...login },
        pr,
        pullRequest: { ...pr, ...more, repository: { ...inGitlab, name } },
        scmId: "gitlab",
      },
    ],
    [
      "an issue",
      "https://github.com/org/repo/issues/2",
      { git: { ...github, ...main }, issue: { id: "2", title: "Nobody can log in" }, scmId: "github" },
    ],
  ])("%s", async ([, url, answer], { shared }) => {
    expect(await answerTo(shared, url)).toEqual({ originalContextUrl: url, ...answer });
  });

  test("the URL as it was sent, however it was written", async ({ shared }) => {
    const url = "HTTPS://octocat@GitHub.com:443//ORG/Repo.git/?tab=%72eadme#top";
    expect(await answerTo(shared, url)).toMatchObject({ originalContextUrl: url, git: github });
  });
});

const forkUrl = "https://git.example.com:8443/bob/app.git";
const host: ScmHostJson = {
  host: "git.example.com:8443",
  urlForm: "SCM_URL_FORM_GITLAB",
  scmId: "our-gitlab",
  authenticated: true,
  repositories: [
    {
      owner: "team",
      name: "app",
      cloneUrl: "https://clone.example.com/app.git",
      defaultBranch: "develop",
      branches: [{ name: "v2/next" }, { name: "twice" }],
      tags: [{ name: "v2" }, { name: "twice" }],
      commits: ["abcdef1234567890"],
      pullRequests: [
        {
          id: "77",
          title: "From elsewhere",
          fromBranch: "patch-1",
          toBranch: "develop",
          draft: true,
          state: "STATE_MERGED",
          repository: { cloneUrl: forkUrl, host: "git.example.com:8443", owner: "bob", name: "app" },
          headSha: "0123456789abcdef",
        },
      ],
    },
    { owner: "A/b/C/d", name: "Deep" },
  ],
};
const ours = sharing({ state: { scm: { hosts: [host] } } });
const base = "https://git.example.com:8443";

describe("a host of one's own", () => {
  ours.for<[string, Lead]>([
    ["/team/app", { branch: "develop" }],
    ["/team/app/-/tree/develop", { branch: "develop" }],
    ["/a/b/c/d/deep", main],
    ["/A/b/C/d/Deep/-/tree/main", main],
    ["/team/app/-/tree/v2/next/docs", { branch: "v2/next" }],
    ["/team/app/-/tree/v2/docs", { tag: "v2" }],
    ["/team/app/-/tree/twice", { branch: "twice" }],
    ["/team/app/-/tags/twice", { tag: "twice" }],
    ["/team/app/-/commit/abcdef1", { commit: "abcdef1234567890" }],
    ["/team/app/-/commit/0123456789abcdef", { commit: "0123456789abcdef" }],
  ])("answers from its own fixture: %s leads to %j", async ([path, lead], { shared }) => {
    expect(await leadOf(shared, base + path)).toEqual(lead);
  });

  ours("names a repository as its fixture does, in whatever case the URL has it", async ({ shared }) => {
    expect(await nameOf(shared, `${base}/a/B/c/D/deep.git`)).toBe("git.example.com:8443: A/b/C/d / Deep");
  });

  ours(
    "tells of it what its fixture tells, in git and in both forms of a pull request",
    async ({ shared }) => {
      const { scmId, git, pr, pullRequest } = await answerTo(
        shared,
        `${base}/team/app/-/merge_requests/77/diffs`,
      );
      const told = { id: "77", title: "From elsewhere", fromBranch: "patch-1", toBranch: "develop" };
      expect({ scmId, git, pr }).toEqual({
        scmId: "our-gitlab",
        git: {
          cloneUrl: "https://clone.example.com/app.git",
          host: "git.example.com:8443",
          owner: "team",
          repo: "app",
          branch: "patch-1",
        },
        pr: told,
      });
      expect(pullRequest).toEqual(host.repositories?.[0]?.pullRequests?.[0]);
    },
  );
});
