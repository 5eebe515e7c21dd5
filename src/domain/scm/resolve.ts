/** What a located URL means in its repository: which branch, tag or commit, which pull request or issue. */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { errors } from "../../errors.ts";
import { PullRequest_RepositorySchema, PullRequestSchema } from "../../gen/gitpod/v1/agent_pb.ts";
import type {
  ParseContextURLResponse_GitContextSchema,
  ParseContextURLResponseSchema,
} from "../../gen/gitpod/v1/runner_pb.ts";
import type { ScmHost, ScmRepository } from "../../gen/runnermock/v1/state_pb.ts";
import type { Location, Target } from "./context-url.ts";
import { cloneUrlOf, defaultBranchOf, fullNameOf } from "./hosts.ts";

type Resolved = Pick<
  MessageInitShape<typeof ParseContextURLResponseSchema>,
  "pr" | "pullRequest" | "issue"
> & {
  readonly git: MessageInitShape<typeof ParseContextURLResponse_GitContextSchema>;
};
type Checkout = Pick<Resolved["git"], "branch" | "tag" | "commit">;

/** @throws not_found for what the repository does not have */
export function resolved(host: ScmHost, repository: ScmRepository, target: Target): Resolved {
  const git = (checkout: Checkout): Resolved["git"] => ({
    cloneUrl: cloneUrlOf(host, repository),
    host: host.host,
    owner: repository.owner,
    repo: repository.name,
    upstreamRemoteUrl: repository.upstreamRemoteUrl,
    ...checkout,
  });
  switch (target.kind) {
    case "repository":
      return { git: git({ branch: defaultBranchOf(repository) }) };
    case "ref":
      return { git: git(checkoutOfPath(repository, target.path)) };
    case "branch":
      return { git: git(branchNamed(repository, target.name) ?? notFound("branch", target.name)) };
    case "tag":
      return { git: git(tagNamed(repository, target.name) ?? notFound("tag", target.name)) };
    case "commit":
      return { git: git(commitNamed(repository, target.name) ?? notFound("commit", target.name)) };
    case "issue": {
      const issue = repository.issues.find(({ id }) => id === target.name) ?? notFound("issue", target.name);
      return { git: git({ branch: defaultBranchOf(repository) }), issue };
    }
    case "pull request": {
      const found =
        repository.pullRequests.find(({ id }) => id === target.name) ?? notFound("pull request", target.name);
      const { id, title, fromBranch, toBranch } = found;
      const pullRequest = create(PullRequestSchema, {
        ...found,
        repository:
          found.repository ??
          create(PullRequest_RepositorySchema, {
            cloneUrl: cloneUrlOf(host, repository),
            host: host.host,
            owner: repository.owner,
            name: repository.name,
          }),
      });
      return { git: git({ branch: fromBranch }), pr: { id, title, fromBranch, toBranch }, pullRequest };
    }
  }
}

/** The longest beginning of the path that is a branch, a tag or a commit; what follows is a file. */
function checkoutOfPath(repository: ScmRepository, path: readonly string[]): Checkout {
  const [refs, kind, ...rest] = path;
  if (refs === "refs" && kind === "heads") return longest(repository, rest, [branchNamed]);
  if (refs === "refs" && kind === "tags") return longest(repository, rest, [tagNamed]);
  return longest(repository, path, [branchNamed, tagNamed, commitNamed]);
}

type Find = (repository: ScmRepository, name: string) => Checkout | undefined;

function longest(repository: ScmRepository, path: readonly string[], finds: readonly Find[]): Checkout {
  for (let length = path.length; length > 0; length--) {
    const name = path.slice(0, length).join("/");
    for (const find of finds) {
      const checkout = find(repository, name);
      if (checkout !== undefined) return checkout;
    }
  }
  return notFound("branch", path.join("/"));
}

function branchNamed(repository: ScmRepository, name: string): Checkout | undefined {
  const known =
    name === defaultBranchOf(repository) || repository.branches.some((branch) => branch.name === name);
  return known ? { branch: name } : undefined;
}

function tagNamed({ tags }: ScmRepository, name: string): Checkout | undefined {
  return tags.some((tag) => tag.name === name) ? { tag: name } : undefined;
}

/** Hosts take the beginning of a hash, too, from seven digits on. */
function commitNamed(
  { branches, tags, commits, pullRequests }: ScmRepository,
  name: string,
): Checkout | undefined {
  if (!/^[0-9a-f]{7,64}$/i.test(name)) return undefined;
  const hashes = [
    ...commits,
    ...[...branches, ...tags].map(({ commit }) => commit),
    ...pullRequests.map(({ headSha }) => headSha),
  ];
  const commit = hashes.find((hash) => hash.startsWith(name.toLowerCase()));
  return commit === undefined ? undefined : { commit };
}

export function repositoryNotFound(location: Location): never {
  return notFound("repository", fullNameOf(location));
}

function notFound(kind: string, name: string): never {
  throw errors.scmResourceNotFound({ kind, name });
}
