/**
 * The questions about source code that a runner answers: what a URL points at, which repositories and organizations
 * there are, and who is signed in. The answers come from the state document and from what is configured on the runner;
 * no real host is asked.
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { errors } from "../../errors.ts";
import { PaginationResponseSchema } from "../../gen/gitpod/v1/pagination_pb.ts";
import {
  type CheckAuthenticationForHostResponseSchema,
  type CheckRepositoryAccessResponseSchema,
  type ListSCMOrganizationsRequest,
  ParseContextURLPreconditionFailureDetailsSchema,
  type ParseContextURLRequest,
  type ParseContextURLResponseSchema,
  type Runner,
  RunnerPhase,
  type SearchRepositoriesRequest,
} from "../../gen/gitpod/v1/runner_pb.ts";
import { type ScmHost, ScmHostSchema, ScmUrlForm } from "../../gen/runnermock/v1/state_pb.ts";
import type { Switches } from "../../profiles.ts";
import type { Caller } from "../caller.ts";
import { canCreate } from "../configuration/environment-classes.ts";
import type { RunnerConfiguration } from "../configuration/runner-configuration.ts";
import type { Knowledge } from "../knowledge.ts";
import { cursorOf, pageOfAll, pageSizeOf } from "../pagination.ts";
import type { RunnerRecords } from "../runner-records.ts";
import type { Runners } from "../runners.ts";
import { type Found, fullNameOf, repositoryAt, scmIdOf, scmNameOf, webUrlOf } from "./hosts.ts";
import { repositoryNotFound, resolved } from "./resolve.ts";
import { SignIns } from "./sign-ins.ts";

/** How many runners an error names at most. */
const maxRunnersTold = 25;

export class SourceCode {
  readonly #knowledge: Pick<Knowledge, "hosts">;
  readonly #records: RunnerRecords;
  readonly #runners: Runners;
  readonly #configuration: RunnerConfiguration;
  readonly #signIns: SignIns;
  readonly #switches: Pick<Switches, "unknownIds">;

  constructor(
    knowledge: Pick<Knowledge, "hosts">,
    records: RunnerRecords,
    runners: Runners,
    configuration: RunnerConfiguration,
    switches: Pick<Switches, "unknownIds">,
  ) {
    this.#knowledge = knowledge;
    this.#configuration = configuration;
    this.#signIns = new SignIns(configuration, records.clock);
    this.#records = records;
    this.#runners = runners;
    this.#switches = switches;
  }

  /** ParseContextURL. Where no runner is named, none is needed. */
  async parse(
    { runnerId, contextUrl }: ParseContextURLRequest,
    caller: Caller,
  ): Promise<MessageInitShape<typeof ParseContextURLResponseSchema>> {
    const runner = runnerId === "" ? undefined : await this.#active(runnerId, caller);
    try {
      const found = this.#knowledge.hosts.locate(contextUrl);
      if ("reason" in found) throw errors.invalidContextUrl({ url: contextUrl, reason: found.reason });
      const host = await this.#signIns.seen(found.host, runner, caller);
      if (!host.authenticated) throw await this.#authenticationRequired(host, runnerId, caller);
      const { location } = found;
      const repository = repositoryAt(found) ?? repositoryNotFound(location);
      if (repository.forbidden) throw errors.repositoryForbidden({ repository: fullNameOf(repository) });
      const answer = resolved(host, repository, location.target);
      const recommendedEnvironmentClasses = await this.#recommended(runnerId, caller);
      return {
        originalContextUrl: contextUrl,
        scmId: scmIdOf(host),
        recommendedEnvironmentClasses,
        ...answer,
      };
    } catch (error) {
      if (this.#switches.unknownIds === "not-found" || !isUnknown(error)) throw error;
      return { originalContextUrl: contextUrl };
    }
  }

  /** SearchRepositories: by words, in the hosts' own order, on the hosts that the callers are signed in to. */
  async search(request: SearchRepositoriesRequest, caller: Caller) {
    const runner = await this.#active(request.runnerId, caller);
    const named = this.#knowledge.hosts.named(request.scmHost);
    const known = request.scmHost === "" ? this.#knowledge.hosts.all : named === undefined ? [] : [named];
    const hosts = await Promise.all(known.map((host) => this.#signIns.seen(host, runner, caller)));
    const words = request.searchString.toLowerCase().split(/\s+/);
    const found = hosts.flatMap((host) => searched(host, words));
    const size = pageSizeOf(request.pagination, request.limit);
    const page = pageNumberOf(request.pagination?.token ?? "");
    const lastPage = Math.max(1, Math.ceil(found.length / size));
    const nextToken = page < lastPage ? `${page + 1}/${lastPage}/${found.length}` : "";
    return {
      repositories: found.slice((page - 1) * size, page * size),
      pagination: create(PaginationResponseSchema, { nextToken }),
      lastPage,
    };
  }

  /** ListSCMOrganizations; the query narrows the list of a GitLab host, and of no other (DOC). */
  async organizations(
    { runnerId, scmHost, query, pagination: page }: ListSCMOrganizationsRequest,
    caller: Caller,
  ) {
    const runner = await this.#active(runnerId, caller);
    const known = this.#knowledge.hosts.named(scmHost);
    const host = known && (await this.#signIns.seen(known, runner, caller));
    const all = host?.authenticated ? host.organizations : [];
    const narrow = host?.urlForm === ScmUrlForm.GITLAB ? query.toLowerCase() : "";
    const matching = all.filter(({ name }) => name.toLowerCase().includes(narrow));
    const { items, pagination } = await pageOfAll(cursorOf(page), matching, ({ name }) => name);
    return { organizations: items.map(({ item }) => item), pagination };
  }

  /** CheckAuthenticationForHost; a host that is neither known nor configured can be signed in to in no way. */
  async authentication(
    runnerId: string,
    name: string,
    caller: Caller,
  ): Promise<MessageInitShape<typeof CheckAuthenticationForHostResponseSchema>> {
    const runner = await this.#active(runnerId, caller);
    const known = this.#knowledge.hosts.named(name);
    const unknown = create(ScmHostSchema, { host: name });
    const host = await this.#signIns.seen(known ?? unknown, runner, caller, name);
    if (host === unknown) return {};
    const { authenticated, oauth2, pat } = host;
    return {
      authenticated,
      authenticationUrl: signInUrlOf(host),
      patSupported: pat !== undefined,
      scmId: scmIdOf(host),
      scmName: scmNameOf(host),
      ...(oauth2 && { supportsOauth2: oauth2 }),
      ...(pat && { supportsPat: pat }),
    };
  }

  /** CheckRepositoryAccess: no access is an answer, with the reason in it. */
  async access(
    runnerId: string,
    url: string,
    caller: Caller,
  ): Promise<MessageInitShape<typeof CheckRepositoryAccessResponseSchema>> {
    const runner = await this.#active(runnerId, caller);
    const found = this.#knowledge.hosts.locate(url);
    const errorMessage =
      "reason" in found
        ? found.reason
        : noAccessTo({ ...found, host: await this.#signIns.seen(found.host, runner, caller) });
    return { hasAccess: errorMessage === "", errorMessage };
  }

  /** @throws failed_precondition for one that is not; undefined where unknown ids read as empty */
  async #active(runnerId: string, caller: Caller): Promise<Runner | undefined> {
    const runner = (await this.#runners.named(runnerId, caller))?.value.runner;
    if (runner !== undefined && runner.status?.phase !== RunnerPhase.ACTIVE) throw errors.runnerNotActive();
    return runner;
  }

  /** The oldest classes that an environment can be made of now, on the runner or, where none is named, on any. */
  async #recommended(runnerId: string, caller: Caller): Promise<string[]> {
    const of = runnerId || caller.runnerId;
    const runnerIds = of === undefined ? [] : [of];
    const selection = { runnerIds, matches: canCreate };
    const { items } = await this.#configuration.environmentClasses.list(selection, undefined, caller);
    return items.map(({ id }) => id);
  }

  async #authenticationRequired(host: ScmHost, runnerId: string, caller: Caller) {
    const value: MessageInitShape<typeof ParseContextURLPreconditionFailureDetailsSchema> = {
      authenticationRequiredUrl: signInUrlOf(host),
      scmId: scmIdOf(host),
      runnerIds: runnerId === "" ? await this.#activeRunners(caller) : [],
    };
    const details = [{ desc: ParseContextURLPreconditionFailureDetailsSchema, value }];
    return errors.authenticationRequired({ host: host.host }, { details });
  }

  async #activeRunners(caller: Caller): Promise<string[]> {
    if (caller.runnerId !== undefined) return [caller.runnerId];
    const active = await this.#records.list(
      { limit: maxRunnersTold },
      caller,
      ({ runner }) => runner.status?.phase === RunnerPhase.ACTIVE,
    );
    return active.map(({ id }) => id);
  }
}

/** Whether the error is about a URL that leads to nothing that is known. */
function isUnknown(error: unknown): boolean {
  const { code } = ConnectError.from(error);
  return code === Code.NotFound || code === Code.InvalidArgument;
}

/** Where a user signs in; a host that has no OAuth is entered with a token that is made elsewhere. */
function signInUrlOf({ host, oauth2, pat }: ScmHost): string {
  return oauth2?.authUrl || pat?.createUrl || `https://${host}`;
}

function searched(host: ScmHost, words: readonly string[]) {
  if (!host.authenticated) return [];
  return host.repositories
    .filter(({ forbidden }) => !forbidden)
    .map((repository) => ({ name: fullNameOf(repository), url: webUrlOf(host, repository) }))
    .filter(({ url }) => words.every((word) => url.toLowerCase().includes(word)));
}

function noAccessTo(found: Found): string {
  const { host, location } = found;
  if (!host.authenticated) return `authentication required for ${host.host}`;
  const repository = repositoryAt(found);
  const name = fullNameOf(location);
  if (repository === undefined) return `repository ${name} not found`;
  return repository.forbidden ? `no access to repository ${name}` : "";
}

/** The first number of a token `NEXT_PAGE/TOTAL_PAGES/TOTAL_COUNT` (DOC); -1 stands for what is not known. */
function pageNumberOf(token: string): number {
  if (token === "") return 1;
  const [, page] = /^([1-9]\d{0,8})\/(?:-1|\d{1,9})\/(?:-1|\d{1,9})$/.exec(token) ?? [];
  if (page === undefined) throw errors.invalidPageToken({ token });
  return Number(page);
}
