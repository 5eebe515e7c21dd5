/** Answers for requests that no RPC handler sees, in the form that the caller's protocol reads. */
import type { ConnectError } from "@connectrpc/connect";
import { codeToHttpStatus, errorToJson } from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import type { FastifyReply, FastifyRequest } from "fastify";

/**
 * Refuses a request: with the JSON of a Connect error and an HTTP status, by default the one of the error's
 * code, or, to gRPC and gRPC-Web, with their status in the headers of a successful response.
 */
export function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  error: ConnectError,
  httpStatus?: number,
) {
  const contentType = request.headers["content-type"] ?? "";
  if (contentType.startsWith("application/grpc")) {
    const headers = Object.fromEntries(setTrailerStatus(new Headers({ "content-type": contentType }), error));
    return reply.code(200).headers(headers).send();
  }
  return reply
    .code(httpStatus ?? codeToHttpStatus(error.code))
    .type("application/json")
    .send(JSON.stringify(errorToJson(error, undefined)));
}
