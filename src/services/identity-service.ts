/** gitpod.v1.IdentityService. */
import type { ServiceImpl } from "@connectrpc/connect";
import { callOf } from "../call.ts";
import type { IdentityService } from "../gen/gitpod/v1/identity_pb.ts";

export const identityService = {
  async exchangeToken({ exchangeToken }, context) {
    const { world } = callOf(context);
    return { accessToken: await world.registrar.exchange(exchangeToken) };
  },

  async getAuthenticatedIdentity(_request, context) {
    const { subject, organization } = callOf(context).caller;
    return { subject, organizationId: organization.id, organizationTier: organization.tier };
  },
} satisfies Partial<ServiceImpl<typeof IdentityService>>;
