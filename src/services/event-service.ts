/** gitpod.v1.EventService. */
import type { ServiceImpl } from "@connectrpc/connect";
import { callOf } from "../call.ts";
import type { EventService } from "../gen/gitpod/v1/event_pb.ts";

export const eventService = {
  watchEvents(request, context) {
    const { world, caller } = callOf(context);
    return world.watches.watch(request, caller, context.signal);
  },

  async listAuditLogs(request, context) {
    const { world, caller } = callOf(context);
    return world.auditLog.list(request, caller);
  },
} satisfies ServiceImpl<typeof EventService>;
