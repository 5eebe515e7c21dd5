/** Calls as curl makes them: for what a typed client cannot send. */
export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the JSON turns out to be
  readonly body: any;
}

export async function post(
  url: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

/** The path of an RPC. */
export const rpc = {
  createRunner: "/gitpod.v1.RunnerService/CreateRunner",
  getRunner: "/gitpod.v1.RunnerService/GetRunner",
  listRunners: "/gitpod.v1.RunnerService/ListRunners",
  getAuthenticatedIdentity: "/gitpod.v1.IdentityService/GetAuthenticatedIdentity",
} as const;
