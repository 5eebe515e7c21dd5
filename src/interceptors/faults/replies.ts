/** What faults do to the reply of a unary call, and to the request that it is the reply to. */
import { create, isMessage, type Message } from "@bufbuild/protobuf";
import { durationMs, MethodOptions_IdempotencyLevel, timestampMs } from "@bufbuild/protobuf/wkt";
import type { UnaryRequest } from "@connectrpc/connect";
import { errors } from "../../errors.ts";
import {
  type PaginationRequest,
  PaginationRequestSchema,
  type PaginationResponse,
} from "../../gen/gitpod/v1/pagination_pb.ts";
import { RunnerSchema } from "../../gen/gitpod/v1/runner_pb.ts";
import type { Fault, FaultMiss } from "../../gen/runnermock/v1/control_pb.ts";
import { canonical } from "../../ids.ts";
import type { World } from "../../world.ts";
import { withMessage } from "../with-message.ts";
import { newer } from "./newer-schema.ts";

/** The request, for a page that is no larger than the fault allows. */
export function askedLess(request: UnaryRequest, effect: Fault["effect"]): UnaryRequest {
  const { message, method } = request;
  if (effect.case !== "pageCap" || method.input.field.pagination?.message !== PaginationRequestSchema)
    return request;
  const { pagination } = message as { pagination?: PaginationRequest };
  const asked = pagination?.pageSize || effect.value.size;
  const pageSize = Math.min(asked, effect.value.size);
  const capped = create(PaginationRequestSchema, { token: pagination?.token ?? "", pageSize });
  return withMessage(request, { ...message, pagination: capped } as Message);
}

/** The reply as the fault has it. @throws not_found for what is missed */
export async function spoiledReply(
  reply: Message,
  effect: Fault["effect"],
  { message, method }: UnaryRequest,
  world: World,
): Promise<Message> {
  switch (effect.case) {
    case "miss": {
      const isRead = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
      return isRead ? missed(reply, effect.value, world) : reply;
    }
    case "repeatedPageToken": {
      const { pagination } = reply as { pagination?: PaginationResponse };
      const { token = "" } = (message as { pagination?: PaginationRequest }).pagination ?? {};
      if (pagination === undefined || token === "") return reply;
      return { ...reply, pagination: { ...pagination, nextToken: token } } as Message;
    }
    case "newerSchema":
      return newer(method.output, reply, effect.value);
    default:
      return reply;
  }
}

/** @throws not_found for one that is missed; a list is without it */
async function missed(
  reply: Message,
  { within, ids }: FaultMiss,
  { clock, configuration }: World,
): Promise<Message> {
  const sinceMs = within === undefined ? Number.NEGATIVE_INFINITY : clock.nowMs() - durationMs(within);
  const which = new Set(ids.map(canonical));
  const isMeant = (id: string) => which.size === 0 || which.has(id);
  const missing = async (item: unknown) => {
    if (isMessage(item, RunnerSchema)) {
      const isNew = item.updatedAt !== undefined && timestampMs(item.updatedAt) > sinceMs;
      return isNew && isMeant(item.runnerId) ? errors.runnerNotFound() : undefined;
    }
    if (!isMessage(item)) return undefined;
    const { id = "" } = item as { id?: string };
    return isMeant(id) ? configuration.missed(item, sinceMs) : undefined;
  };
  const fields = Object.entries(reply).map(async ([name, value]) => {
    if (Array.isArray(value)) {
      const misses = await Promise.all(value.map(missing));
      return [name, value.filter((_, index) => misses[index] === undefined)];
    }
    const miss = await missing(value);
    if (miss !== undefined) throw miss;
    return [name, value];
  });
  return Object.fromEntries(await Promise.all(fields));
}
