/** What else a runner says of source code hosts: repositories, organizations, sign-in and access. */
import { type MessageInitShape, toJson } from "@bufbuild/protobuf";
import { describe, expect } from "vitest";
import {
  CheckAuthenticationForHostResponseSchema,
  RunnerPhase,
  SearchMode,
  type SearchRepositoriesRequestSchema,
} from "../../../src/gen/gitpod/v1/runner_pb.ts";
import type { ScmHostJson } from "../../../src/gen/runnermock/v1/state_pb.ts";
import { failureOf, type TestMock, test as withMock } from "../../support/mock.ts";
import { register } from "../../support/registrations.ts";
import { sharing, test } from "../../support/shared-mock.ts";
import { violationsOf } from "../../support/violations.ts";

const unknownId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";

const withHosts = (...hosts: ScmHostJson[]) => ({ state: { scm: { hosts } } });

async function runnerIn(mock: TestMock, phase = RunnerPhase.ACTIVE): Promise<string> {
  const { runnerId } = await register(mock);
  await mock.runners.report(runnerId, { phase });
  return runnerId;
}

/** A host like others; what is given differs. */
const hostWith = (differences: Partial<ScmHostJson> = {}): ScmHostJson => ({
  host: "git.example.com",
  urlForm: "SCM_URL_FORM_GITHUB",
  authenticated: true,
  ...differences,
});

type Search = Omit<MessageInitShape<typeof SearchRepositoriesRequestSchema>, "runnerId" | "$typeName">;

async function search(mock: TestMock, request: Search = {}) {
  const answer = await mock.runner.searchRepositories({ runnerId: await runnerIn(mock), ...request });
  const { repositories, pagination, lastPage } = answer;
  return { names: repositories.map(({ name }) => name), nextToken: pagination?.nextToken, lastPage };
}

const gitHubNames = ["org/repo", "acme/website", "octocat/website"];
const defaultNames = [...gitHubNames, "group/subgroup/repo", "workspace/repo"];

describe("SearchRepositories", () => {
  test.for<[string, Search, string[]]>([
    [
      "all, host by host in their order, but the forbidden and those of hosts not signed in to",
      {},
      defaultNames,
    ],
    ["those with the word", { searchString: "website" }, ["acme/website", "octocat/website"]],
    ["those with the part of a word", { searchString: "ebsit" }, ["acme/website", "octocat/website"]],
    ["those with all of the words", { searchString: "  website   octo " }, ["octocat/website"]],
    ["whatever the case of the words", { searchString: "ACME Site" }, ["acme/website"]],
    ["those of an owner", { searchString: "org/repo" }, ["org/repo"]],
    ["those of a URL", { searchString: "https://gitlab.com/group/subgroup/repo" }, ["group/subgroup/repo"]],
    ["none for a word that is nowhere", { searchString: "website nowhere" }, []],
    ["none that are forbidden", { searchString: "secret-plans" }, []],
    ["those of a host", { scmHost: "github.com" }, gitHubNames],
    ["those of a host in any case", { scmHost: "GitLab.COM" }, ["group/subgroup/repo"]],
    ["those of a host with the word", { scmHost: "github.com", searchString: "repo" }, ["org/repo"]],
    ["none of a host not signed in to", { scmHost: "dev.azure.com" }, []],
    ["none of an unknown host", { scmHost: "example.com" }, []],
    ["the same in native mode", { searchString: "octo", searchMode: SearchMode.NATIVE }, ["octocat/website"]],
  ])("finds %s", async ([, request, names], { shared }) => {
    expect(await search(shared, request)).toEqual({ names, nextToken: "", lastPage: 1 });
  });

  withMock("finds what its fixture has, with its page", async ({ start }) => {
    const repositories = [
      { owner: "z", name: "z" },
      { owner: "a", name: "hidden", forbidden: true },
      { owner: "a/b", name: "c" },
    ];
    const forms = { a: "GITHUB", b: "GITLAB", c: "BITBUCKET", d: "AZURE_DEVOPS" } as const;
    const hosts = Object.entries(forms).map(([name, form]) =>
      hostWith({ host: `${name}.example`, urlForm: `SCM_URL_FORM_${form}`, repositories }),
    );
    const mock = await start(withHosts(hostWith({ authenticated: false, repositories }), ...hosts));
    const answer = await mock.runner.searchRepositories({ runnerId: await runnerIn(mock) });
    expect(answer.repositories.map(({ name, url }) => [name, url])).toEqual([
      ...["a", "b", "c"].flatMap((name) => [
        ["z/z", `https://${name}.example/z/z`],
        ["a/b/c", `https://${name}.example/a/b/c`],
      ]),
      ["z/z", "https://d.example/z/_git/z"],
      ["a/b/c", "https://d.example/a/b/_git/c"],
    ]);
    const { url: contextUrl = "" } = answer.repositories.at(-1) ?? {};
    expect((await mock.runner.parseContextURL({ contextUrl })).git).toMatchObject({
      owner: "a/b",
      repo: "c",
    });
  });
});

/** 60 repositories, the last first. */
const sixty = Array.from({ length: 60 }, (_, index) => `repo-${String(59 - index).padStart(2, "0")}`);
const many = sharing(
  withHosts(
    hostWith({ repositories: sixty.slice(0, 40).map((name) => ({ owner: "org", name })) }),
    hostWith({ host: "b.example", repositories: sixty.slice(40).map((name) => ({ owner: "org", name })) }),
  ),
);
const namesFrom = (start: number, end: number) => sixty.slice(start, end).map((name) => `org/${name}`);

describe("the pages of SearchRepositories", () => {
  many.for<[string, Search, number, number]>([
    ["25 unless asked otherwise", {}, 25, 60],
    ["as many as page_size says", { pagination: { pageSize: 7 } }, 7, 60],
    ["as many as the deprecated limit says", { limit: 10 }, 10, 60],
    ["as page_size says, if limit says otherwise", { limit: 10, pagination: { pageSize: 20 } }, 20, 60],
    ["as limit says, if page_size is 0", { limit: 9, pagination: { pageSize: 0 } }, 9, 60],
    ["all that there are", { pagination: { pageSize: 60 } }, 60, 60],
    ["up to 100", { pagination: { pageSize: 100 } }, 100, 60],
    ["those that are found", { searchString: "REPO-1", limit: 3 }, 3, 10],
  ])("hold %s", async ([, request, size, count], { shared }) => {
    const total = Math.ceil(count / size);
    const found = namesFrom(0, 60).filter((name) => count === 60 || name.includes("repo-1"));
    for (let page = 1, token = ""; page <= total; page++) {
      const pagination = { ...request.pagination, token };
      const nextToken = page < total ? `${page + 1}/${total}/${count}` : "";
      const names = found.slice((page - 1) * size, page * size);
      expect(await search(shared, { ...request, pagination })).toEqual({ names, nextToken, lastPage: total });
      token = nextToken;
    }
  });

  many.for([
    ["2/3/60", namesFrom(25, 50), "3/3/60"],
    ["2/-1/-1", namesFrom(25, 50), "3/3/60"],
    ["2/3/-1", namesFrom(25, 50), "3/3/60"],
    ["2/-1/60", namesFrom(25, 50), "3/3/60"],
    ["2/40/1000", namesFrom(25, 50), "3/3/60"],
    ["1/3/60", namesFrom(0, 25), "2/3/60"],
    ["3/3/60", namesFrom(50, 60), ""],
    ["4/3/60", [], ""],
    ["999999999/-1/-1", [], ""],
  ] as const)("are named by their number: %s", async ([token, names, nextToken], { shared }) => {
    expect(await search(shared, { pagination: { token } })).toEqual({ names, nextToken, lastPage: 3 });
  });

  many.for([
    "x",
    "2",
    "2/3",
    "2/3/60/1",
    "/3/60",
    "0/3/60",
    "-1/3/60",
    "02/3/60",
    "2/-2/60",
    "2/3/-",
    "2.0/3/60",
    " 2/3/60",
    "2/3/60\n",
    "2 / 3 / 60",
    "9999999999/3/60",
    "२/3/60",
  ])("have no other names: %j", async (token, { shared }) => {
    const call = search(shared, { pagination: { token } });
    expect(await failureOf(call)).toBe(`invalid_argument: invalid pagination token ${JSON.stringify(token)}`);
  });

  test.for([-1, 101])("cannot hold %i", async (size, { shared }) => {
    expect(await violationsOf(search(shared, { limit: size }))).toEqual(["limit int32.gte_lte"]);
    expect(await violationsOf(search(shared, { pagination: { pageSize: size } }))).toEqual([
      "pagination.page_size int32.gte_lte",
    ]);
  });
});

describe("ListSCMOrganizations", () => {
  const organizations = async (mock: TestMock, scmHost: string, query = "", pagination = {}) => {
    const request = { runnerId: await runnerIn(mock), scmHost, query, pagination };
    const answer = await mock.runner.listSCMOrganizations(request);
    const listed = answer.organizations.map(({ name, url, isAdmin }) => [name, url, isAdmin] as const);
    return { listed, names: listed.map(([name]) => name), next: answer.pagination?.nextToken };
  };

  test("lists those of the host, in order of name, with who administers them", async ({ shared }) => {
    expect((await organizations(shared, "GitHub.com")).listed).toEqual([
      ["acme", "https://github.com/acme", false],
      ["org", "https://github.com/org", true],
    ]);
  });

  test.for([
    ["gitlab.com", "", ["group", "group/subgroup"]],
    ["gitlab.com", "SUB", ["group/subgroup"]],
    ["gitlab.com", "group", ["group", "group/subgroup"]],
    ["gitlab.com", "nothing", []],
    ["github.com", "acme", ["acme", "org"]],
    ["github.com", "nothing", ["acme", "org"]],
    ["bitbucket.org", "nothing", ["workspace"]],
    ["dev.azure.com", "", []],
    ["example.com", "", []],
  ] as const)("of %s for the query %j: %j", async ([host, query, names], { shared }) => {
    expect(await organizations(shared, host, query)).toMatchObject({ names, next: "" });
  });

  withMock("goes through all pages of what its fixture has", async ({ start }) => {
    const names = Array.from({ length: 27 }, (_, index) => `team-${String(index).padStart(2, "0")}`);
    const all = names.toReversed().map((name) => ({ name, url: `https://${name}.example` }));
    const mock = await start(withHosts(hostWith({ urlForm: "SCM_URL_FORM_GITLAB", organizations: all })));
    const first = await organizations(mock, "git.example.com");
    expect(first.names).toEqual(names.slice(0, 25));
    const second = await organizations(mock, "git.example.com", "", { token: first.next });
    expect(second).toMatchObject({ names: names.slice(25), next: "" });
    const tens = await organizations(mock, "git.example.com", "team-1", { pageSize: 4 });
    expect(tens.names).toEqual(names.slice(10, 14));
    const more = await organizations(mock, "git.example.com", "team-1", { pageSize: 100, token: tens.next });
    expect(more).toMatchObject({ names: names.slice(14, 20), next: "" });
  });

  test("refuses a token that no page ended with, and needs a host", async ({ shared }) => {
    const call = organizations(shared, "github.com", "", { token: "2/3/60" });
    expect(await failureOf(call)).toBe('invalid_argument: invalid pagination token "2/3/60"');
    expect(await violationsOf(organizations(shared, ""))).toEqual(["scm_host string.min_len"]);
  });
});

describe("CheckAuthenticationForHost", () => {
  const authentication = async (mock: TestMock, host: string) => {
    const answer = await mock.runner.checkAuthenticationForHost({ runnerId: await runnerIn(mock), host });
    return toJson(CheckAuthenticationForHostResponseSchema, answer);
  };
  const oauth2 = { authUrl: "https://git.example.com/oauth", docsUrl: "https://docs.example.com" };
  const pat = { createUrl: "https://git.example.com/tokens", example: "pat-…", requiredScopes: ["a", "b"] };
  const none = { scmId: "github", scmName: "git.example.com", authenticationUrl: "https://git.example.com" };

  withMock.for<[string, Partial<ScmHostJson>, object]>([
    ["neither OAuth nor tokens", {}, { ...none, authenticated: true }],
    ["nobody signed in", { authenticated: false }, none],
    ["OAuth", { oauth2 }, { authenticationUrl: oauth2.authUrl, supportsOauth2: oauth2 }],
    ["tokens", { pat }, { authenticationUrl: pat.createUrl, supportsPat: pat, patSupported: true }],
    [
      "both",
      { oauth2, pat },
      { authenticationUrl: oauth2.authUrl, supportsOauth2: oauth2, supportsPat: pat, patSupported: true },
    ],
    [
      "both, of which nothing is told",
      { oauth2: {}, pat: {} },
      { supportsOauth2: {}, supportsPat: {}, patSupported: true },
    ],
    ["a name", { name: "Our Git" }, { scmName: "Our Git" }],
    ["an SCM kind", { scmId: "ours" }, { scmId: "ours" }],
    ["the URLs of GitLab", { urlForm: "SCM_URL_FORM_GITLAB" }, { scmId: "gitlab" }],
    ["the URLs of Bitbucket", { urlForm: "SCM_URL_FORM_BITBUCKET" }, { scmId: "bitbucket" }],
    ["the URLs of Azure DevOps", { urlForm: "SCM_URL_FORM_AZURE_DEVOPS" }, { scmId: "azuredevops" }],
  ])("answers for a host with %s", async ([, differences, answer], { start }) => {
    const mock = await start(withHosts(hostWith(differences)));
    const signedIn = differences.authenticated === false ? {} : { authenticated: true };
    expect(await authentication(mock, "GIT.example.com")).toEqual({ ...none, ...signedIn, ...answer });
  });

  test("knows Azure DevOps by the name that has the organization's path, too", async ({ shared }) => {
    const answer = await authentication(shared, "dev.azure.com");
    expect(answer).toMatchObject({ scmName: "Azure DevOps", patSupported: true });
    expect(await authentication(shared, "dev.azure.com/organization")).toEqual(answer);
  });

  test("knows no way to sign in to a host that is unknown", async ({ shared }) => {
    for (const host of ["example.com", ""]) expect(await authentication(shared, host)).toEqual({});
  });
});

describe("CheckRepositoryAccess", () => {
  const access = async (mock: TestMock, repositoryUrl: string) => {
    const request = { runnerId: await runnerIn(mock), repositoryUrl };
    const { hasAccess, errorMessage } = await mock.runner.checkRepositoryAccess(request);
    return hasAccess && errorMessage === "" ? "access" : `none: ${errorMessage}`;
  };
  const page = "a repository, branch, tag, commit, file, pull request or issue";

  test.for([
    ["https://github.com/org/repo", "access"],
    ["https://github.com/ORG/Repo.git", "access"],
    ["https://gitlab.com/group/subgroup/repo/-/tree/main", "access"],
    ["https://github.com/org/nothing", "none: repository org/nothing not found"],
    ["https://github.com/acme/secret-plans", "none: no access to repository acme/secret-plans"],
    [
      "https://dev.azure.com/organization/project/_git/repo",
      "none: authentication required for dev.azure.com",
    ],
    [
      "https://example.com/org/repo",
      "none: its host is none of github.com, gitlab.com, bitbucket.org, dev.azure.com",
    ],
    ["https://github.com/org", `none: it is no page of ${page}`],
    ["ssh://git@github.com/org/repo.git", "none: it is no http(s) URL"],
  ] as const)("of %s: %s", async ([url, answer], { shared }) => {
    expect(await access(shared, url)).toBe(answer);
  });

  withMock.for([
    ["access", hostWith({ repositories: [{ owner: "org", name: "repo" }] })],
    ["none: no access", hostWith({ repositories: [{ owner: "org", name: "repo", forbidden: true }] })],
    ["none: repository org/repo not found", hostWith({ repositories: [{ owner: "org", name: "other" }] })],
    ["none: authentication required", hostWith({ authenticated: false })],
    ["none: its host is none of b.example", hostWith({ host: "b.example" })],
  ] as const)("changes with the fixture: %s", async ([answer, host], { start }) => {
    const outcome = await access(await start(withHosts(host)), "https://git.example.com/org/repo");
    expect(outcome.slice(0, answer.length)).toBe(answer);
  });

  test("wants a URL", async ({ shared }) => {
    expect(await violationsOf(access(shared, "org/repo"))).toEqual(["repository_url string.uri"]);
  });
});

describe("the runner that is to answer", () => {
  const calls = {
    searchRepositories: ({ runner }: TestMock, runnerId: string) => runner.searchRepositories({ runnerId }),
    listSCMOrganizations: ({ runner }: TestMock, runnerId: string) =>
      runner.listSCMOrganizations({ runnerId, scmHost: "github.com" }),
    checkAuthenticationForHost: ({ runner }: TestMock, runnerId: string) =>
      runner.checkAuthenticationForHost({ runnerId, host: "github.com" }),
    checkRepositoryAccess: ({ runner }: TestMock, runnerId: string) =>
      runner.checkRepositoryAccess({ runnerId, repositoryUrl: "https://github.com/org/repo" }),
  };
  const phases = ["CREATED", "INACTIVE", "DEGRADED", "DELETING", "DELETED"] as const;

  test.for(Object.entries(calls))("of %s has to be known, and ACTIVE", async ([, call], { shared }) => {
    expect(await failureOf(call(shared, await runnerIn(shared)))).toBe("ok");
    expect(await failureOf(call(shared, unknownId))).toBe("not_found: runner not found");
    expect(await violationsOf(call(shared, ""))).toEqual(["runner_id string.uuid_empty"]);
    for (const phase of phases) {
      const outcome = await failureOf(call(shared, await runnerIn(shared, RunnerPhase[phase])));
      expect(`${phase}: ${outcome}`).toBe(`${phase}: failed_precondition: runner is not active`);
    }
  });
});
