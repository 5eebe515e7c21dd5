/** gitpod.v1.GatewayService. */
import type { ServiceImpl } from "@connectrpc/connect";
import { callOf } from "../call.ts";
import { cursorOf, pageOfAll } from "../domain/pagination.ts";
import type { GatewayService } from "../gen/gitpod/v1/gateway_pb.ts";

export const gatewayService = {
  async listGateways(request, context) {
    const { world } = callOf(context);
    const cursor = cursorOf(request.pagination);
    const { items, pagination } = await pageOfAll(cursor, world.knowledge.gateways, ({ name }) => name);
    return { gateways: items.map(({ item }) => item), pagination };
  },
} satisfies ServiceImpl<typeof GatewayService>;
