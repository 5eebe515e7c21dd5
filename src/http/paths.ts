/**
 * Where RPCs are found: at `/`, below `/api` as the official bases have it, and for a world NAME below
 * `/w/NAME` in the same two places. Everything further in sees only the first form, and the world as a header.
 */
import type { IncomingHttpHeaders } from "node:http";
import { worldHeader } from "../interceptors/gate.ts";

/** The URL without prefixes. The world in its path, if there is one, takes the place of the header. */
export function rewriteUrl(request: { url?: string | undefined; headers: IncomingHttpHeaders }): string {
  // In full, as to a proxy: HTTP/1.1 wants it understood.
  let url = (request.url ?? "/").replace(/^https?:\/\/[^/?]*/i, "");
  const inWorld = /^\/w\/([^/?]*)(?=[/?]|$)/.exec(url);
  if (inWorld !== null) {
    request.headers[worldHeader] = inWorld[1];
    url = url.slice(inWorld[0].length);
  }
  return stripped(url, "/api");
}

function stripped(url: string, prefix: string): string {
  const rest = url.startsWith(prefix) ? url.slice(prefix.length) : undefined;
  const path = rest !== undefined && /^([/?]|$)/.test(rest) ? rest : url;
  return path.startsWith("/") ? path : `/${path}`;
}
