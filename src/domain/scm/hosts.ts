/** The source code hosts of the state document, found by what requests call them. */

import { type ScmHost, type ScmRepository, ScmUrlForm } from "../../gen/runnermock/v1/state_pb.ts";
import { addressOf, type Location, locate } from "./context-url.ts";

/** The SCM kinds as integrations name them. */
const usualScmIds: { readonly [F in ScmUrlForm]?: string } = {
  [ScmUrlForm.GITHUB]: "github",
  [ScmUrlForm.GITLAB]: "gitlab",
  [ScmUrlForm.BITBUCKET]: "bitbucket",
  [ScmUrlForm.AZURE_DEVOPS]: "azuredevops",
};

/** Why a URL leads nowhere, in the words of an error. */
export type Unreadable = { readonly reason: string };
export type Found = { readonly host: ScmHost; readonly location: Location };

export class ScmHosts {
  readonly all: readonly ScmHost[];
  readonly #byName: ReadonlyMap<string, ScmHost>;

  constructor(hosts: readonly ScmHost[]) {
    this.all = hosts;
    this.#byName = new Map(hosts.map((host) => [host.host.toLowerCase(), host]));
  }

  /** By its name, with or without the www that hosts redirect from; integrations of Azure DevOps add the organization's path, which is not part of it. */
  named(name: string): ScmHost | undefined {
    const [host = ""] = name.split("/", 1);
    return this.#byName.get(plainName(host));
  }

  /** What the URL points at, by its form alone. */
  locate(text: string): Found | Unreadable {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol)) return { reason: "it is no http(s) URL" };
    const host = this.named(url.host);
    if (host === undefined) {
      const known = this.all.map(({ host }) => host).join(", ");
      return { reason: `its host is none of ${known}` };
    }
    try {
      const location = locate(host.urlForm, addressOf(url));
      return location === undefined
        ? { reason: "it is no page of a repository, branch, tag, commit, file, pull request or issue" }
        : { host, location };
    } catch {
      return { reason: "its path is not percent-encoded UTF-8" };
    }
  }
}

/** The one way in which a host is compared: in small letters, without the www that hosts redirect from. */
export function plainName(host: string): string {
  return host.toLowerCase().replace(/^www\./, "");
}

export function repositoryAt({ host, location }: Found): ScmRepository | undefined {
  // No host tells owners or repositories apart by the case of their letters.
  const full = fullNameOf(location).toLowerCase();
  return host.repositories.find((repository) => fullNameOf(repository).toLowerCase() === full);
}

export function fullNameOf({ owner, name }: Pick<ScmRepository, "owner" | "name">): string {
  return `${owner}/${name}`;
}

export function scmIdOf({ scmId, urlForm }: ScmHost): string {
  return scmId || (usualScmIds[urlForm] ?? "");
}

export function scmNameOf({ name, host }: ScmHost): string {
  return name || host;
}

/** A repository's web page. */
export function webUrlOf({ host, urlForm }: ScmHost, { owner, name }: ScmRepository): string {
  const between = urlForm === ScmUrlForm.AZURE_DEVOPS ? "/_git/" : "/";
  const path = owner.split("/").map(encodeURIComponent).join("/");
  return `https://${host}/${path}${between}${encodeURIComponent(name)}`;
}

export function cloneUrlOf(host: ScmHost, repository: ScmRepository): string {
  const suffix = host.urlForm === ScmUrlForm.AZURE_DEVOPS ? "" : ".git";
  return repository.cloneUrl || `${webUrlOf(host, repository)}${suffix}`;
}

export function defaultBranchOf({ defaultBranch }: ScmRepository): string {
  return defaultBranch || "main";
}
