/** The bearer tokens that a mock is told of, and whom each stands for: `--token` and `--identities` together. */
import { create } from "@bufbuild/protobuf";
import { DocumentError } from "./documents.ts";
import type { Caller, Organization } from "./domain/caller.ts";
import { digest } from "./domain/digest.ts";
import { defaultOrganizationId, type KnownToken } from "./domain/identity.ts";
import { Principal, SubjectSchema } from "./gen/gitpod/v1/identity_pb.ts";
import { type Identity, IdentitySchema } from "./gen/runnermock/v1/identities_pb.ts";
import { canonical, idOfName } from "./ids.ts";
import { shown } from "./shown.ts";

export interface KnownIdentities {
  readonly tokens: readonly KnownToken[];
  /** Every organization that somebody may belong to, the default one first. */
  readonly organizations: readonly [Organization, ...Organization[]];
}

/**
 * @param users the token of each, by name
 * @param organizationTier where no identity of an organization says its tier
 * @throws DocumentError for a token that is there twice, and for an organization of two tiers
 */
export function knownIdentities(
  users: ReadonlyMap<string, string>,
  identities: readonly Identity[],
  organizationTier: string,
): KnownIdentities {
  const taken = new Set(users.values());
  const repeated = identities.findIndex(({ token }) => taken.has(token));
  if (repeated >= 0) {
    throw new DocumentError(`identities[${repeated}].token: the option token has this one already`);
  }
  const organizations = organizationsOf(identities, organizationTier);
  const all = [...[...users].map(([name, token]) => create(IdentitySchema, { name, token })), ...identities];
  const tokens = all.map((identity) => ({
    token: identity.token,
    caller: callerOf(identity, organizations),
  }));
  const [first, ...others] = organizations.values();
  if (first === undefined) throw new Error("there is no organization");
  return { tokens, organizations: [first, ...others] };
}

/** An organization has one tier: the one that its identities say, or else the option's. */
function organizationsOf(identities: readonly Identity[], organizationTier: string) {
  const said = new Map<string, string>();
  for (const [index, identity] of identities.entries()) {
    const id = organizationIdOf(identity);
    const tier = identity.organization?.tier ?? "";
    const known = said.get(id) ?? "";
    if (tier !== "" && known !== "" && tier !== known) {
      throw new DocumentError(
        `identities[${index}].organization.tier: it is ${shown(tier)} here, and ${shown(known)} before, for the same organization`,
      );
    }
    said.set(id, tier || known);
  }
  const ids = new Set([defaultOrganizationId, ...said.keys()]);
  return new Map([...ids].map((id) => [id, { id, tier: said.get(id) || organizationTier }]));
}

function organizationIdOf({ organization }: Identity): string {
  return canonical(organization?.id ?? "") || defaultOrganizationId;
}

function callerOf(identity: Identity, organizations: ReadonlyMap<string, Organization>): Caller {
  const { name, token, principal, id } = identity;
  const kind = principal || Principal.USER;
  const word = Principal[kind].toLowerCase().replaceAll("_", " ");
  const derived = () => idOfName(`${word} ${name || digest(token)}`);
  const organization = organizations.get(organizationIdOf(identity));
  if (organization === undefined) throw new Error("the identity's organization was left out");
  return {
    subject: create(SubjectSchema, { id: canonical(id) || derived(), principal: kind }),
    organization,
  };
}
