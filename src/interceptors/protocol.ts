/** By which protocol a call came. */
import { type ContextValues, createContextKey } from "@connectrpc/connect";
import type { CallProtocol } from "../domain/call-log.ts";

/** Says it where the headers of the request do not tell. */
export const protocolKey = createContextKey<CallProtocol | undefined>(undefined, { description: "protocol" });

/** @param header of the request */
export function protocolOf(values: ContextValues, header: Headers): CallProtocol {
  const told = values.get(protocolKey);
  if (told !== undefined) return told;
  const contentType = header.get("content-type") ?? "";
  if (contentType.startsWith("application/grpc-web")) return "grpc-web";
  return contentType.startsWith("application/grpc") ? "grpc" : "connect";
}
