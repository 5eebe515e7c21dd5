/**
 * The generated SDKs walk through pages by adding `token` and `pageSize` to the URL of the next POST, with the
 * same body as before. So these two win over the body.
 */
import { create, type Message } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { errors } from "../errors.ts";
import { type PaginationRequest, PaginationRequestSchema } from "../gen/gitpod/v1/pagination_pb.ts";
import { withMessage } from "./with-message.ts";

export const takePageFromQuery: Interceptor = (next) => (request) => {
  const queryAt = request.url.indexOf("?");
  if (queryAt < 0 || request.stream || request.requestMethod !== "POST") return next(request);
  if (request.method.input.field.pagination?.message !== PaginationRequestSchema) return next(request);
  const query = new URLSearchParams(request.url.slice(queryAt));
  const token = query.get("token");
  const pageSize = query.get("pageSize");
  if (token === null && pageSize === null) return next(request);
  const { message } = request as { message: Message & { pagination?: PaginationRequest } };
  const pagination = create(PaginationRequestSchema, {
    token: token ?? message.pagination?.token ?? "",
    pageSize: pageSize === null ? (message.pagination?.pageSize ?? 0) : parsePageSize(pageSize),
  });
  return next(withMessage(request, { ...message, pagination } as Message));
};

function parsePageSize(text: string): number {
  // At most nine digits: an int32, whose range the request's validation then checks.
  if (!/^\d{1,9}$/.test(text)) throw errors.invalidPageSize({ size: text });
  return Number(text);
}
