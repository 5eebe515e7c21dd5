export type Scheme = "http" | "https";

/** The URL of a server on this machine; one that listens on all addresses is reached by the loopback one. */
export function baseUrl(scheme: Scheme, host: string, port: number | string): string {
  if (host === "0.0.0.0" || host === "::") return `${scheme}://127.0.0.1:${port}`;
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
