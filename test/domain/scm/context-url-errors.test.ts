/** ParseContextURL: which URLs it refuses, and how, and which runners it asks. */
import { ConnectError } from "@connectrpc/connect";
import { describe, expect } from "vitest";
import {
  ParseContextURLPreconditionFailureDetailsSchema,
  RunnerPhase,
} from "../../../src/gen/gitpod/v1/runner_pb.ts";
import type { ScmHostJson } from "../../../src/gen/runnermock/v1/state_pb.ts";
import { failureOf, type TestMock, test as withMock } from "../../support/mock.ts";
import { asRunner, type RunnerClient, register } from "../../support/registrations.ts";
import { sharing, test } from "../../support/shared-mock.ts";
import { violationsOf } from "../../support/violations.ts";

const github = "https://github.com/org/repo";
const gitlab = "https://gitlab.com/group/subgroup/repo";
const bitbucket = "https://bitbucket.org/workspace/repo";
/** The host of the default state that nobody is signed in to. */
const azure = "https://dev.azure.com/organization/project/_git/repo";
const unknownId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";

const lenient = sharing({ validation: "off" });
const answering = sharing({ unknownIds: "empty" });

const outcomeOf = ({ runner }: { runner: RunnerClient }, contextUrl: string, runnerId = "") =>
  failureOf(runner.parseContextURL({ contextUrl, runnerId }));

const unreadable = (url: string, reason: string) =>
  `invalid_argument: cannot read the context URL ${JSON.stringify(url)}: ${reason}`;

describe("a URL that cannot be read is refused with the reason:", () => {
  test.for([
    "ftp://github.com/org/repo",
    "ssh://git@github.com/org/repo.git",
    "git://github.com/org/repo.git",
    "file:///org/repo",
    "mailto:octocat@github.com",
    "https:",
  ])("%s is no http(s) URL", async (url, { shared }) => {
    expect(await outcomeOf(shared, url)).toBe(unreadable(url, "it is no http(s) URL"));
  });

  test.for([
    "https://example.com/org/repo",
    "https://gist.github.com/org/repo",
    "https://github.com.example.com/org/repo",
    "https://github.com:8443/org/repo",
    "http://127.0.0.1/org/repo",
  ])("the host of %s is none of those that are known, which are named", async (url, { shared }) => {
    const hosts = "github.com, gitlab.com, bitbucket.org, dev.azure.com";
    expect(await outcomeOf(shared, url)).toBe(unreadable(url, `its host is none of ${hosts}`));
  });

  test.for([
    "https://github.com",
    "https://github.com/org",
    "https://github.com/org/.git",
    `${github}/tree`,
    `${github}/commit`,
    `${github}/releases`,
    `${github}/releases/tag`,
    `${github}/pull`,
    `${github}/pull/new`,
    `${github}/pull/1x`,
    `${github}/pulls`,
    `${github}/issues`,
    `${github}/issues/new`,
    `${github}/actions`,
    "https://gitlab.com/group",
    "https://gitlab.com/-/user_settings/profile",
    `${gitlab}/-/tree`,
    `${gitlab}/-/merge_requests`,
    `${gitlab}/-/merge_requests/new`,
    `${gitlab}/-/issues`,
    `${gitlab}/-/pipelines/1`,
    "https://bitbucket.org/workspace",
    `${bitbucket}/branch`,
    `${bitbucket}/branches/`,
    `${bitbucket}/commits/`,
    `${bitbucket}/pull-requests/new`,
    `${bitbucket}/issues`,
    "https://dev.azure.com/organization/project",
    "https://dev.azure.com/organization/project/_workitems/recentlyupdated",
    `${azure}/branches`,
    `${azure}/pullrequests`,
    `${azure}?version=main`,
    `${azure}?version=GB`,
  ])("%s is no page that one can check out", async (url, { shared }) => {
    const reason = "it is no page of a repository, branch, tag, commit, file, pull request or issue";
    expect(await outcomeOf(shared, url)).toBe(unreadable(url, reason));
  });

  test.for([`${github}/tree/%FF`, `${gitlab}/-/tree/%E0%A4`])(
    "the path of %s is encoded as no text is",
    async (url, { shared }) => {
      const outcome = await outcomeOf(shared, url);
      expect(outcome.slice(0, unreadable(url, "").length)).toBe(unreadable(url, ""));
      expect(outcome).toMatch(/its path .*percent-encoded/);
    },
  );

  test.for([
    ["", "uri_empty"],
    ["org/repo", "uri"],
    ["github.com/org/repo", "uri"],
    ["git@github.com:org/repo.git", "uri"],
    [`${github}/tree/a branch`, "uri"],
    [`${github}/tree/%zz`, "uri"],
  ] as const)("%j breaks the schema's rule string.%s", async ([contextUrl, rule], { shared }) => {
    const call = shared.runner.parseContextURL({ contextUrl });
    expect(await violationsOf(call)).toEqual([`context_url string.${rule}`]);
  });

  lenient("what is no URL at all has a reason of its own where the rules are off", async ({ shared }) => {
    for (const url of ["", "org/repo", "git@github.com:org/repo.git"]) {
      expect(await outcomeOf(shared, url)).toBe(unreadable(url, "it is no http(s) URL"));
    }
  });
});

describe("what the host does not have is not found, and is named:", () => {
  test.for([
    ["https://github.com/org/nothing", 'repository "org/nothing"'],
    ["https://github.com/nobody/repo/tree/main", 'repository "nobody/repo"'],
    ["https://gitlab.com/group/subgroup", 'repository "group/subgroup"'],
    ["https://gitlab.com/group/repo/-/issues/2", 'repository "group/repo"'],
    ["https://bitbucket.org/org/repo", 'repository "org/repo"'],
    [`${github}/tree/nothing`, 'branch "nothing"'],
    [`${github}/tree/Main`, 'branch "Main"'],
    [`${github}/tree/feature`, 'branch "feature"'],
    [`${github}/blob/feature/logout/README.md`, 'branch "feature/logout/README.md"'],
    [`${gitlab}/-/tree/nothing`, 'branch "nothing"'],
    [`${bitbucket}/branch/feature/nothing`, 'branch "feature/nothing"'],
    [`${bitbucket}/branch/v1.0.0`, 'branch "v1.0.0"'],
    ["https://github.com/acme/website/releases/tag/v1.0.0", 'tag "v1.0.0"'],
    [`${github}/releases/tag/main`, 'tag "main"'],
    [`${gitlab}/-/tags/v2/beta`, 'tag "v2/beta"'],
    [`${bitbucket}/commits/tag/v2`, 'tag "v2"'],
    [`${github}/commit/4f2b8c2`, 'commit "4f2b8c2"'],
    [`${github}/commit/f2b8c1d`, 'commit "f2b8c1d"'],
    [`${github}/commit/4f2b8c`, 'commit "4f2b8c"'],
    [`${github}/commit/main`, 'commit "main"'],
    [`${gitlab}/-/commit/0000000`, 'commit "0000000"'],
    [`${bitbucket}/commits/0000000`, 'commit "0000000"'],
    [`${github}/pull/2`, 'pull request "2"'],
    [`${gitlab}/-/merge_requests/2`, 'pull request "2"'],
    [`${bitbucket}/pull-requests/11`, 'pull request "11"'],
    [`${github}/issues/1`, 'issue "1"'],
    [`${gitlab}/-/issues/1`, 'issue "1"'],
    [`${bitbucket}/issues/22`, 'issue "22"'],
  ] as const)("%s: %s", async ([url, what], { shared }) => {
    expect(await outcomeOf(shared, url)).toBe(`not_found: ${what} not found`);
  });
});

test.for(["", "/tree/main", "/pull/1", ".git"])(
  "a repository that the callers may not read is refused, whatever of it they ask for: %j",
  async (rest, { shared }) => {
    const outcome = await outcomeOf(shared, `https://github.com/Acme/Secret-Plans${rest}`);
    expect(outcome).toBe("permission_denied: no access to repository acme/secret-plans");
  },
);

/** How a call was told to sign in first; fails if it was not. */
async function signInAsked({ runner }: { runner: RunnerClient }, contextUrl: string, runnerId = "") {
  const error = await runner.parseContextURL({ contextUrl, runnerId }).catch((reason: unknown) => reason);
  const { rawMessage, code } = ConnectError.from(error);
  const [details, ...more] = ConnectError.from(error).findDetails(
    ParseContextURLPreconditionFailureDetailsSchema,
  );
  if (details === undefined || more.length > 0)
    throw new Error(`not asked to sign in: ${code} ${rawMessage}`);
  const { authenticationRequiredUrl: url, scmId, runnerIds } = details;
  return { url, scmId, runnerIds };
}

const create = async (mock: TestMock, phase: RunnerPhase) => {
  const { runnerId } = await register(mock);
  await mock.runners.report(runnerId, { phase });
  return runnerId;
};
const { ACTIVE, CREATED, INACTIVE, DEGRADED, DELETING, DELETED } = RunnerPhase;

describe("a host that the callers are not signed in to", () => {
  const host: ScmHostJson = { host: "git.example.com", urlForm: "SCM_URL_FORM_GITLAB", scmId: "ours" };
  const oauth2 = { authUrl: "https://git.example.com/oauth" };
  const pat = { createUrl: "https://git.example.com/tokens" };

  test.for([azure, `${azure}?version=GBnothing`, "https://dev.azure.com/organization/_git/nothing"])(
    "asks them to sign in, whether or not it has what is asked for: %s",
    async (url, { shared }) => {
      expect(await outcomeOf(shared, url)).toBe(
        "failed_precondition: authentication required for dev.azure.com",
      );
      expect(await signInAsked(shared, url)).toMatchObject({
        url: "https://dev.azure.com/_usersSettings/tokens",
        scmId: "azuredevops",
      });
    },
  );

  withMock.for([
    ["OAuth", { oauth2, pat }, oauth2.authUrl],
    ["a personal access token", { pat }, pat.createUrl],
    ["neither", {}, "https://git.example.com"],
  ] as const)("says where, if it has %s", async ([, ways, url], { start }) => {
    const mock = await start({ state: { scm: { hosts: [{ ...host, ...ways }] } } });
    const asked = await signInAsked(mock, "https://git.example.com/team/app");
    expect(asked).toEqual({ url, scmId: "ours", runnerIds: [] });
  });

  withMock("names the ACTIVE runners, as long as they stand, where none was named", async ({ mock }) => {
    const active: string[] = [];
    for (const phase of [CREATED, ACTIVE, INACTIVE, DEGRADED, ACTIVE, DELETING, DELETED]) {
      const runnerId = await create(mock, phase);
      if (phase === ACTIVE) active.push(runnerId);
    }
    expect((await signInAsked(mock, azure)).runnerIds).toEqual(active);
    for (const runnerId of active) {
      expect((await signInAsked(mock, azure, runnerId)).runnerIds).toEqual([]);
    }
    await mock.clock.advance("30s");
    expect((await signInAsked(mock, azure)).runnerIds).toEqual([]);
  });

  withMock("names 25 runners at most, the oldest", async ({ mock }) => {
    await create(mock, CREATED);
    const ids: string[] = [];
    for (let i = 0; i < 25; i++) ids.push(await create(mock, ACTIVE));
    expect((await signInAsked(mock, azure)).runnerIds).toEqual(ids);
    await create(mock, ACTIVE);
    expect((await signInAsked(mock, azure)).runnerIds).toEqual(ids);
  });

  withMock("names to a runner only itself", async ({ mock }) => {
    await create(mock, ACTIVE);
    const { runnerId, runner } = await signedUp(mock);
    expect((await signInAsked({ runner }, azure)).runnerIds).toEqual([runnerId]);
    expect((await signInAsked({ runner }, azure, runnerId)).runnerIds).toEqual([]);
  });
});

/** A runner that has its access token, but has never called with it. */
async function signedUp(mock: TestMock) {
  const { runnerId, exchangeToken } = await register(mock);
  const { accessToken } = await mock.identity.exchangeToken({ exchangeToken });
  return { runnerId, ...asRunner(mock, accessToken) };
}

describe("the runner that is to answer", () => {
  const notActive = "failed_precondition: runner is not active";

  test("need not be named, nor be there", async ({ shared }) => {
    expect(await outcomeOf(shared, github)).toBe("ok");
  });

  test("has to be known", async ({ shared }) => {
    expect(await outcomeOf(shared, github, unknownId)).toBe("not_found: runner not found");
    const { runner } = shared;
    expect(await violationsOf(runner.parseContextURL({ runnerId: "x", contextUrl: github }))).toEqual([
      "runner_id string.uuid",
    ]);
  });

  test.for([
    ["CREATED", notActive],
    ["INACTIVE", notActive],
    ["ACTIVE", "ok"],
    ["DEGRADED", notActive],
    ["DELETING", notActive],
    ["DELETED", notActive],
  ] as const)("and %s: %s", async ([phase, outcome], { shared }) => {
    expect(await outcomeOf(shared, github, await create(shared, RunnerPhase[phase]))).toBe(outcome);
  });

  test("is asked before the URL is looked at", async ({ shared }) => {
    const runnerId = await create(shared, CREATED);
    for (const url of [azure, "ftp://github.com/org/repo", "https://github.com/org/nothing"]) {
      expect(await outcomeOf(shared, url, runnerId)).toBe(notActive);
    }
  });

  test("is ACTIVE by asking itself", async ({ shared }) => {
    const { runnerId, runner } = await signedUp(shared);
    expect(await outcomeOf(shared, github, runnerId)).toBe(notActive);
    expect(await outcomeOf({ runner }, github, runnerId)).toBe("ok");
    expect(await outcomeOf(shared, github, runnerId)).toBe("ok");
  });

  test("is ACTIVE by asking with its token, also where it names none", async ({ shared }) => {
    const { runnerId, runner } = await signedUp(shared);
    expect(await outcomeOf({ runner }, github)).toBe("ok");
    expect(await outcomeOf(shared, github, runnerId)).toBe("ok");
  });

  test("cannot be another one than the runner that asks", async ({ shared }) => {
    const { runner } = await signedUp(shared);
    for (const another of [await create(shared, ACTIVE), unknownId]) {
      expect(await outcomeOf({ runner }, github, another)).toBe("permission_denied: permission denied");
    }
  });
});

describe("unknownIds empty: what is unknown is answered with", () => {
  answering.for([
    "ftp://github.com/org/repo",
    "https://example.com/org/repo",
    `${github}/actions`,
    `${github}/tree/%FF`,
    "https://github.com/org/nothing",
    ...["tree/nothing", "releases/tag/nothing", "commit/0000000", "pull/2", "issues/1"].map(
      (page) => `${github}/${page}`,
    ),
  ])("the URL alone: %s", async (contextUrl, { shared }) => {
    const { originalContextUrl, git, pr, pullRequest, issue, scmId } = await shared.runner.parseContextURL({
      contextUrl,
    });
    expect({ originalContextUrl, git, pr, pullRequest, issue, scmId }).toEqual({
      originalContextUrl: contextUrl,
      scmId: "",
    });
  });

  answering("what an ACTIVE runner would say, where the runner is unknown", async ({ shared }) => {
    const { git } = await shared.runner.parseContextURL({ runnerId: unknownId, contextUrl: github });
    expect(git?.branch).toBe("main");
  });

  answering("nothing but errors, where it is known and refused", async ({ shared }) => {
    expect(await outcomeOf(shared, "https://github.com/acme/secret-plans")).toMatch(/^permission_denied: /);
    expect(await outcomeOf(shared, azure)).toMatch(/^failed_precondition: authentication required/);
    const { runnerId } = await register(shared);
    expect(await outcomeOf(shared, github, runnerId)).toBe("failed_precondition: runner is not active");
  });
});
