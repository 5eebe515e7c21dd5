/**
 * Who may call the control service: whoever shows its token, if it has one; or else, where the API asks for a
 * bearer, whoever has a configured one; or else everybody who is not a web page of somebody else's.
 */
import type { HandlerContext } from "@connectrpc/connect";
import type { FastifyRequest } from "fastify";
import { digest, isDigestOf } from "../domain/digest.ts";
import { bearerOf, type Identity } from "../domain/identity.ts";
import { errors } from "../errors.ts";
import type { Gate } from "../interceptors/gate.ts";

/** @param token the service's own; undefined: it has none */
export function createControlGate(token: string | undefined, identity: Identity): Gate {
  const expected = token === undefined ? undefined : digest(token);
  return async ({ requestHeader }: HandlerContext) => {
    const authorization = requestHeader.get("authorization");
    if (expected === undefined) {
      // What the mock issues is for the API.
      if ("issued" in identity.claimOf(authorization, false)) throw errors.invalidBearer();
      return undefined;
    }
    if (!isDigestOf(expected, bearerOf(authorization) ?? "")) throw errors.invalidControlToken();
    return undefined;
  };
}

const loopbackNames = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/**
 * A page of another origin may not call; nor may one whose name was pointed at this machine, where the service
 * listens for this machine alone.
 */
export function refuseForeign({ headers, host }: FastifyRequest, isLoopback: boolean): void {
  if (isLoopback && !loopbackNames.test(host)) throw errors.foreignOrigin({ what: "Host", name: host });
  const { origin } = headers;
  if (origin === undefined) return;
  const own = URL.canParse(origin) && new URL(origin).host === host;
  if (!own) throw errors.foreignOrigin({ what: "Origin", name: origin });
}

/** Whether only this machine reaches the address. */
export function isLoopbackAddress(address: string): boolean {
  return address === "::1" || address === "localhost" || /^127\./.test(address);
}
