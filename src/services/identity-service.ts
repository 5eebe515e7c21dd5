/** gitpod.v1.IdentityService. */
import type { ServiceImpl } from "@connectrpc/connect";
import { callOf } from "../call.ts";
import type { IdentityService } from "../gen/gitpod/v1/identity_pb.ts";

export const identityService = {
  async getIDToken({ audience, version }, context) {
    const { world, caller } = callOf(context);
    const issuer = world.urlFor(new URL(context.url).origin);
    return { token: await world.idTokens.issue(issuer, caller, audience, version) };
  },

  async getAuthenticatedIdentity(_request, context) {
    const { subject, organization } = callOf(context).caller;
    return { subject, organizationId: organization.id, organizationTier: organization.tier };
  },

  async exchangeToken({ exchangeToken }, context) {
    const { world } = callOf(context);
    return { accessToken: await world.registrar.exchange(exchangeToken) };
  },
} satisfies ServiceImpl<typeof IdentityService>;
