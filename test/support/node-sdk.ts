/** The official Node SDK as it comes from npm, pointed at a mock, and what its tests do with it. */
import Gitpod, { APIError } from "@gitpod/sdk";
import { type TestMock, test as withMock } from "./mock.ts";

type SdkOptions = NonNullable<ConstructorParameters<typeof Gitpod>[0]>;

export interface Sdk {
  readonly client: Gitpod;
  /** What it sent, in order. */
  readonly sent: { readonly url: URL; readonly body: unknown }[];
}

/** The SDK pointed at a mock, with its own defaults: retries, time-outs and headers are as users have them. */
export function sdkOf(mock: TestMock, options: SdkOptions = {}, base = "/api"): Sdk {
  const sent: Sdk["sent"] = [];
  const client = new Gitpod({
    baseURL: mock.url + base,
    bearerToken: "My Bearer Token",
    fetch: async (url, init) => {
      sent.push({ url: new URL(String(url)), body: JSON.parse(String(init?.body)) });
      const response = await fetch(url, init);
      // The SDK obeys it: a retry then does not wait for half a second and more.
      const headers = new Headers([...response.headers, ["retry-after-ms", "1"]]);
      return new Response(response.body, { status: response.status, headers });
    },
    ...options,
  });
  return { client, sent };
}

export const test = withMock.extend<{ sdk: Sdk }>({
  sdk: async ({ mock }, use) => use(sdkOf(mock)),
});

/**
 * The next so many events of a stream, to be asked for again and again. It is read ahead from now on: fetch cancels a
 * body that nobody has begun to read when its response is garbage, and the SDK keeps none.
 */
export function readerOf<T>(stream: AsyncIterable<T>): (count: number) => Promise<T[]> {
  const events = stream[Symbol.asyncIterator]();
  const ahead = () => {
    const next = events.next();
    next.catch(() => {}); // Whoever waits for it hears of it; at the end nobody does.
    return next;
  };
  let upcoming = ahead();
  return async (count) => {
    const read: T[] = [];
    while (read.length < count) {
      const { value, done } = await upcoming;
      if (done) throw new Error("the stream has ended");
      read.push(value);
      upcoming = ahead();
    }
    return read;
  };
}

export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
export const unknownId = "d2c94c27-3b76-4a42-b88c-95a85e392c68";

export const productionRunner = {
  name: "Production Runner",
  provider: "RUNNER_PROVIDER_AWS_EC2",
  spec: {
    desiredPhase: "RUNNER_PHASE_ACTIVE",
    configuration: {
      region: "us-west",
      releaseChannel: "RUNNER_RELEASE_CHANNEL_STABLE",
      autoUpdate: true,
    },
  },
} as const satisfies Gitpod.RunnerCreateParams;

/** A runner that came up: created, and its token exchanged. */
export async function comeUp({ client }: Sdk) {
  const { runner, exchangeToken } = await client.runners.create(productionRunner);
  const { accessToken } = await client.identity.exchangeToken({ exchangeToken: given(exchangeToken) });
  return {
    runnerId: given(runner.runnerId),
    asRunner: client.withOptions({ bearerToken: given(accessToken) }),
  };
}

export function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the reply lacks a field");
  return value;
}

/** How the SDK reports that a call failed. */
export async function errorOf(call: PromiseLike<unknown>): Promise<APIError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof APIError) return error;
    throw error;
  }
  throw new Error("the call succeeded");
}

export const idsOf = async (runners: AsyncIterable<Gitpod.Runner>) => {
  const ids: (string | undefined)[] = [];
  for await (const { runnerId } of runners) ids.push(runnerId);
  return ids;
};
