/** The bearer tokens that a mock is told of, and whom each stands for: `--token` and `--identities` together. */
import { create } from "@bufbuild/protobuf";
import type { Caller } from "./domain/caller.ts";
import { digest } from "./domain/digest.ts";
import { defaultOrganizationId, type KnownToken } from "./domain/identity.ts";
import { Principal, SubjectSchema } from "./gen/gitpod/v1/identity_pb.ts";
import { type Identity, IdentitySchema } from "./gen/runnermock/v1/identities_pb.ts";
import { canonical, idOfName } from "./ids.ts";

/**
 * @param users the token of each, by name
 * @param organizationTier where an identity's organization does not say its own
 */
export function knownTokens(
  users: ReadonlyMap<string, string>,
  identities: readonly Identity[],
  organizationTier: string,
): KnownToken[] {
  const all = [...[...users].map(([name, token]) => create(IdentitySchema, { name, token })), ...identities];
  return all.map((identity) => ({ token: identity.token, caller: callerOf(identity, organizationTier) }));
}

function callerOf({ name, token, principal, id, organization }: Identity, defaultTier: string): Caller {
  const kind = principal || Principal.USER;
  const word = Principal[kind].toLowerCase().replaceAll("_", " ");
  const derived = () => idOfName(`${word} ${name || digest(token)}`);
  return {
    subject: create(SubjectSchema, { id: canonical(id) || derived(), principal: kind }),
    organization: {
      id: canonical(organization?.id ?? "") || defaultOrganizationId,
      tier: organization?.tier || defaultTier,
    },
  };
}
