/** What the short way (see lean-unary.ts) asks of a protocol. */
import type { OutgoingHttpHeaders } from "node:http";
import type { Message } from "@bufbuild/protobuf";
import type { ConnectError, ConnectRouterOptions } from "@connectrpc/connect";
import type { Content } from "./body.ts";
import type { HttpConnection } from "./http-connection.ts";
import type { LeanCall, Request, Response } from "./lean-call.ts";

export type JsonOptions = ConnectRouterOptions["jsonOptions"];

/** How a protocol puts the calls of one RPC on the wire. */
export interface Wire {
  readonly protocolName: string;
  readonly json: boolean;
  /** Whether a request is of the common case, as far as it is the protocol's to say. */
  isCommon(request: Request, maxBytes: number): boolean;
  /** The message in a request's body. Throws what is wrong with the wrapping. */
  open(body: Uint8Array, call: LeanCall): Uint8Array;
  encode(message: Message, connection: HttpConnection): Content;
  /** @param headers what every answer has */
  answer(
    response: Response,
    call: LeanCall,
    headers: OutgoingHttpHeaders,
    reply: Content | ConnectError,
  ): Promise<void>;
}

export function addHeaders(to: OutgoingHttpHeaders, headers: Headers): void {
  for (const [name, value] of headers) to[name] = name === "set-cookie" ? headers.getSetCookie() : value;
}
