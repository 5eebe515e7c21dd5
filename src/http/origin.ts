/** Where a request was sent to, by its Host header. */
import type { FastifyRequest } from "fastify";
import type { Scheme } from "../base-url.ts";
import { errors } from "../errors.ts";

/**
 * The origin as URLs have it: in small letters, and without a port that goes without saying.
 *
 * @throws invalid_argument for a Host that is none; HTTP/1.0 has none at all
 */
export function originOf({ protocol, host }: Pick<FastifyRequest, "protocol" | "host">): string {
  const origin = originIn(`${protocol}://${host}`);
  if (origin === undefined) throw errors.invalidHost({ host: host ?? "" });
  return origin;
}

/** Whether these make an origin. */
export function isOrigin(protocol: Scheme, host: string): boolean {
  return originIn(`${protocol}://${host}`) !== undefined;
}

function originIn(text: string): string | undefined {
  if (text === known.text) return known.origin;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // A Host with a path or a user in it is no host.
  if (url === undefined || url.href !== `${url.origin}/`) return undefined;
  known = { text, origin: url.origin };
  return url.origin;
}

/** Nearly all requests are sent to the same host: reading a URL takes as long as all else that is read of a call. */
let known = { text: "", origin: "" };
