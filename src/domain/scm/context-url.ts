/**
 * What a URL of a source code host points at, by the forms that each kind of host has. Only the URL is read here;
 * whether there is such a thing is for others to say.
 */
import { ScmUrlForm } from "../../gen/runnermock/v1/state_pb.ts";

/** Where a URL leads within a repository. */
export type Target =
  | { readonly kind: "repository" }
  /** A name that may contain slashes, and then perhaps the path of a file: which is which, the names tell. */
  | { readonly kind: "ref"; readonly path: readonly string[] }
  | { readonly kind: "branch" | "tag" | "commit" | "pull request" | "issue"; readonly name: string };

export interface Location {
  readonly owner: string;
  /** The repository's, without its owner. */
  readonly name: string;
  readonly target: Target;
}

/** The parts of a URL that say what it points at. */
export interface Address {
  /** The path's segments, decoded, without empty ones. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

type Reader = (address: Address) => Location | undefined;

const readers: { readonly [F in ScmUrlForm]?: Reader } = {
  [ScmUrlForm.GITHUB]: readGitHub,
  [ScmUrlForm.GITLAB]: readGitLab,
  [ScmUrlForm.BITBUCKET]: readBitbucket,
  [ScmUrlForm.AZURE_DEVOPS]: readAzureDevOps,
};

/** Undefined: no URL of this form leads into a repository so. */
export function locate(form: ScmUrlForm, address: Address): Location | undefined {
  return readers[form]?.(address);
}

/** @throws URIError where the path is not encoded as URLs are */
export function addressOf(url: URL): Address {
  const segments = url.pathname.split("/").filter((segment) => segment !== "");
  return { segments: segments.map(decodeURIComponent), query: url.searchParams };
}

const wholeRepository: Target = { kind: "repository" };

/** `/OWNER/REPO/tree/REF`, `/blob/REF/PATH`, `/commit/HASH`, `/releases/tag/TAG`, `/pull/1`, `/issues/1` */
function readGitHub({ segments: [owner, repository, word, ...rest] }: Address): Location | undefined {
  return located(owner, repository, gitHubTarget(word, rest));
}

function gitHubTarget(word: string | undefined, rest: readonly string[]): Target | undefined {
  const [name = "", second = ""] = rest;
  switch (word) {
    case undefined:
      return wholeRepository;
    case "releases":
      return name === "tag" ? named("tag", rest.slice(1).join("/")) : undefined;
    case "pull":
      // Only the pages of a pull request itself: its commits are those of its branch.
      return second === "" || /^\w/.test(second) ? numbered("pull request", name) : undefined;
    case "issues":
      return numbered("issue", name);
    default:
      return revisionAt(word, rest);
  }
}

/** What GitHub and GitLab call alike: a file or folder somewhere, or a commit. */
function revisionAt(word: string, rest: readonly string[]): Target | undefined {
  switch (word) {
    case "tree":
    case "blob":
    case "blame":
    case "raw":
    case "edit":
    case "commits":
      return refAt(rest);
    case "commit":
      // As a page, as a patch or as a diff.
      return named("commit", (rest[0] ?? "").replace(/\.(patch|diff)$/, ""));
    default:
      return undefined;
  }
}

const gitLabWords = [
  "tree",
  "blob",
  "raw",
  "commit",
  "commits",
  "tags",
  "merge_requests",
  "issues",
  "work_items",
];

/** `/GROUP/…/REPO/-/tree/REF`, `/-/commit/HASH`, `/-/tags/TAG`, `/-/merge_requests/1`, `/-/issues/1` */
function readGitLab({ segments }: Address): Location | undefined {
  // Old URLs lack the dash. What ends one is a name.
  const dashAt = segments.indexOf("-");
  const wordAt =
    dashAt >= 0
      ? dashAt
      : segments.findIndex((word, at) => at >= 2 && at + 1 < segments.length && gitLabWords.includes(word));
  const path = wordAt < 0 ? segments : segments.slice(0, wordAt);
  const [word, ...rest] = wordAt < 0 ? [] : segments.slice(dashAt >= 0 ? dashAt + 1 : wordAt);
  const [owner, repository] = [path.slice(0, -1).join("/"), path.at(-1)];
  return located(owner, repository, wordAt < 0 ? wholeRepository : gitLabTarget(word, rest));
}

function gitLabTarget(word: string | undefined, rest: readonly string[]): Target | undefined {
  const [name = ""] = rest;
  switch (word) {
    case undefined:
      return undefined;
    case "tags":
    case "releases":
      return named("tag", rest.join("/"));
    case "merge_requests":
      return numbered("pull request", name);
    case "issues":
    case "work_items":
      return numbered("issue", name === "incident" ? (rest[1] ?? "") : name);
    default:
      return revisionAt(word, rest);
  }
}

/**
 * `/WORKSPACE/REPO/src/REF/PATH`, `/src/HASH/PATH?at=BRANCH`, `/branch/NAME`, `/commits/HASH`, `/commits/tag/TAG`,
 * `/pull-requests/1`, `/issues/1`
 */
function readBitbucket({
  segments: [owner, repository, word, ...rest],
  query,
}: Address): Location | undefined {
  return located(owner, repository, bitbucketTarget(word, rest, query.get("at")));
}

function bitbucketTarget(
  word: string | undefined,
  rest: readonly string[],
  branch: string | null,
): Target | undefined {
  const [name = ""] = rest;
  switch (word) {
    case undefined:
      return wholeRepository;
    case "src":
    case "raw":
    case "annotate":
      if (branch !== null) return refAt(branch.split("/"));
      return rest.length === 0 ? wholeRepository : refAt(rest);
    case "branch":
      return named("branch", rest.join("/"));
    case "commits":
      if (name === "tag" || name === "branch") return named(name, rest.slice(1).join("/"));
      return /^[0-9a-f]{7,64}$/i.test(name) ? named("commit", name) : refAt(rest);
    case "pull-requests":
      return numbered("pull request", name);
    case "issues":
      return numbered("issue", name);
    default:
      return undefined;
  }
}

const azureVersions: Readonly<Record<string, "branch" | "tag" | "commit">> = {
  GB: "branch",
  GT: "tag",
  GC: "commit",
};

/**
 * `/ORGANIZATION/PROJECT/_git/REPO?version=GBBRANCH`, `GTTAG` or `GCHASH`, `/commit/HASH`, `/pullrequest/1`, and
 * `/ORGANIZATION/PROJECT/_workitems/edit/1`, which belongs to the repository that is named as the project.
 */
function readAzureDevOps({ segments, query }: Address): Location | undefined {
  const workItemsAt = segments.indexOf("_workitems");
  if (workItemsAt === 2 && segments[3] === "edit") {
    return located(segments.slice(0, 2).join("/"), segments[1], numbered("issue", segments[4] ?? ""));
  }
  const gitAt = segments.indexOf("_git");
  if (gitAt !== 1 && gitAt !== 2) return undefined;
  const [repository, word, name = ""] = segments.slice(gitAt + 1);
  // Where a project has a repository of its own name, the URL names it once.
  const owner = gitAt === 1 ? `${segments[0]}/${repository}` : segments.slice(0, 2).join("/");
  switch (word) {
    case undefined:
      return located(owner, repository, azureVersionOf(query.get("version")));
    case "commit":
      return located(owner, repository, named("commit", name));
    case "pullrequest":
      return located(owner, repository, numbered("pull request", name));
    default:
      return undefined;
  }
}

function azureVersionOf(version: string | null): Target | undefined {
  if (version === null) return wholeRepository;
  const kind = azureVersions[version.slice(0, 2)];
  return kind && named(kind, version.slice(2));
}

function located(
  owner: string | undefined,
  repository: string | undefined,
  target: Target | undefined,
): Location | undefined {
  const name = repository?.replace(/\.git$/, "");
  return owner && name && target ? { owner, name, target } : undefined;
}

function refAt(path: readonly string[]): Target | undefined {
  return path.length === 0 ? undefined : { kind: "ref", path };
}

function named(kind: "branch" | "tag" | "commit", name: string): Target | undefined {
  return name === "" ? undefined : { kind, name };
}

function numbered(kind: "pull request" | "issue", name: string): Target | undefined {
  return /^\d+$/.test(name) ? { kind, name } : undefined;
}
