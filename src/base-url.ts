/** The URL of a server on this machine; one that listens on all addresses is reached by the loopback one. */
export function baseUrl(host: string, port: number | string): string {
  if (host === "0.0.0.0" || host === "::") return `http://127.0.0.1:${port}`;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
