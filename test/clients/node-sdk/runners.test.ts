/** The official Node SDK, as it comes from npm, with nothing but another base URL: what it is for. */
import type Gitpod from "@gitpod/sdk";
import { AuthenticationError, NotFoundError } from "@gitpod/sdk";
import { describe, expect } from "vitest";
import { startMs } from "../../support/mock.ts";
import {
  comeUp,
  errorOf,
  given,
  idsOf,
  productionRunner,
  type Sdk,
  sdkOf,
  test,
  unknownId,
  uuid,
} from "../../support/node-sdk.ts";

const startIso = new Date(startMs).toISOString();
const isoAfter = (ms: number) => new Date(startMs + ms).toISOString();
const uuidV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

const linuxHost = {
  name: "Local Development Runner",
  provider: "RUNNER_PROVIDER_LINUX_HOST",
  spec: {
    desiredPhase: "RUNNER_PHASE_ACTIVE",
    configuration: {
      releaseChannel: "RUNNER_RELEASE_CHANNEL_LATEST",
      autoUpdate: true,
      devcontainerImageCacheEnabled: true,
      logLevel: "LOG_LEVEL_DEBUG",
      metrics: {
        enabled: true,
        url: "https://metrics.example.com/push",
        username: "collector",
        password: "secret",
      },
    },
  },
} as const satisfies Gitpod.RunnerCreateParams;

async function phaseOf({ client }: Sdk, runnerId: string) {
  return (await client.runners.retrieve({ runnerId })).runner.status?.phase;
}

/** Creates as many runners, alternately for AWS and for a Linux host; resolves with their ids in ascending order. */
async function createMany({ client }: Sdk, count: number) {
  const replies = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      client.runners.create({ ...(index % 2 === 0 ? productionRunner : linuxHost), name: `Runner ${index}` }),
    ),
  );
  return replies
    .map(({ runner }) => ({ runnerId: given(runner.runnerId), provider: given(runner.provider) }))
    .sort((a, b) => (a.runnerId < b.runnerId ? -1 : 1));
}

describe("the Node SDK registers", () => {
  test("the reference's cloud runner, and every field of the reply is there", async ({ sdk }) => {
    const reply = await sdk.client.runners.create(productionRunner);
    const { subject } = await sdk.client.identity.getAuthenticatedIdentity({});
    expect(subject).toEqual({ id: expect.stringMatching(uuid), principal: "PRINCIPAL_USER" });
    expect(reply).toEqual({
      runner: {
        runnerId: expect.stringMatching(uuidV7),
        createdAt: startIso,
        updatedAt: startIso,
        creator: subject,
        kind: "RUNNER_KIND_REMOTE",
        name: "Production Runner",
        provider: "RUNNER_PROVIDER_AWS_EC2",
        spec: productionRunner.spec,
        status: { phase: "RUNNER_PHASE_CREATED", updatedAt: startIso },
      },
      accessToken: expect.stringMatching(/^rmock_access_[\w-]{43}$/),
      exchangeToken: expect.stringMatching(/^rmock_exchange_[\w-]{43}$/),
    });
    expect(sdk.sent[0]?.url.pathname).toBe("/api/gitpod.v1.RunnerService/CreateRunner");
  });

  test("the reference's Linux host, and retrieves it with every field of its configuration", async ({
    sdk,
  }) => {
    const { runner, accessToken, exchangeToken } = await sdk.client.runners.create(linuxHost);
    const { subject: creator } = await sdk.client.identity.getAuthenticatedIdentity({});
    expect(runner).toEqual({
      runnerId: expect.stringMatching(uuidV7),
      createdAt: startIso,
      updatedAt: startIso,
      creator,
      kind: "RUNNER_KIND_LOCAL",
      name: "Local Development Runner",
      provider: "RUNNER_PROVIDER_LINUX_HOST",
      spec: linuxHost.spec,
      status: { phase: "RUNNER_PHASE_CREATED", updatedAt: startIso },
    });
    expect([accessToken, exchangeToken]).toEqual([expect.any(String), expect.any(String)]);
    const { runnerId } = runner;
    expect(await sdk.client.runners.retrieve({ runnerId: given(runnerId) })).toEqual({ runner });
  });

  test("a runner without a spec, which then has none", async ({ sdk }) => {
    const { runner } = await sdk.client.runners.create({ name: "Bare", provider: "RUNNER_PROVIDER_AWS_EC2" });
    expect(runner).not.toHaveProperty("spec");
  });
});

describe("the Node SDK lists", () => {
  test("three pages of the default size by itself, each runner once", async ({ sdk }) => {
    const created = await createMany(sdk, 60);
    sdk.sent.length = 0;
    expect(await idsOf(sdk.client.runners.list({}))).toEqual(created.map(({ runnerId }) => runnerId));
    expect(sdk.sent).toHaveLength(3);
    // What makes this page at all: the second and third request differ from the first by their query alone.
    expect(sdk.sent.map(({ body }) => body)).toEqual([{}, {}, {}]);
    expect(sdk.sent.map(({ url }) => url.searchParams.has("token"))).toEqual([false, true, true]);
  });

  test.for([
    ["in the query", { pageSize: 4 }],
    ["in the body", { pagination: { pageSize: 4 } }],
  ] as const)("three pages of a size of its own, %s", async ([, params], { sdk }) => {
    const created = await createMany(sdk, 10);
    sdk.sent.length = 0;
    const sizes: number[] = [];
    for await (const page of (await sdk.client.runners.list(params)).iterPages())
      sizes.push(page.runners.length);
    expect(sizes).toEqual([4, 4, 2]);
    expect(sdk.sent).toHaveLength(3);
    expect(await idsOf(sdk.client.runners.list(params))).toEqual(created.map(({ runnerId }) => runnerId));
  });

  test("three pages of what a filter accepts, and nothing else", async ({ sdk }) => {
    const created = await createMany(sdk, 20);
    const params = {
      filter: { providers: ["RUNNER_PROVIDER_AWS_EC2" as const] },
      pagination: { pageSize: 4 },
    };
    sdk.sent.length = 0;
    expect(await idsOf(sdk.client.runners.list(params))).toEqual(
      created
        .filter(({ provider }) => provider === "RUNNER_PROVIDER_AWS_EC2")
        .map(({ runnerId }) => runnerId),
    );
    expect(sdk.sent).toHaveLength(3);
  });

  test("by kind and by creator as well", async ({ sdk }) => {
    const created = await createMany(sdk, 4);
    const { subject } = await sdk.client.identity.getAuthenticatedIdentity({});
    const creatorIds = [given(subject?.id)];
    const local = await idsOf(
      sdk.client.runners.list({ filter: { kinds: ["RUNNER_KIND_LOCAL"], creatorIds } }),
    );
    expect(local).toEqual(
      created
        .filter(({ provider }) => provider === "RUNNER_PROVIDER_LINUX_HOST")
        .map(({ runnerId }) => runnerId),
    );
    expect(await idsOf(sdk.client.runners.list({ filter: { creatorIds: [unknownId] } }))).toEqual([]);
  });

  test("what stays exactly once, though runners come and go between its pages", async ({ sdk }) => {
    const ids = (await createMany(sdk, 8)).map(({ runnerId }) => runnerId);
    const first = await sdk.client.runners.list({ pageSize: 4 });
    expect(first.runners.map(({ runnerId }) => runnerId)).toEqual(ids.slice(0, 4));
    // The last one seen is what the next page continues from.
    for (const index of [3, 5]) await sdk.client.runners.delete({ runnerId: given(ids[index]) });
    const { runner: late } = await sdk.client.runners.create(productionRunner);
    const second = await first.getNextPage();
    expect(second.runners.map(({ runnerId }) => runnerId)).toEqual([ids[4], ids[6], ids[7], late.runnerId]);
    expect(second.hasNextPage()).toBe(false);
  });
});

test("the Node SDK retrieves a runner, makes a token for it and deletes it", async ({ sdk }) => {
  const { client } = sdk;
  const { runner, exchangeToken } = await client.runners.create(productionRunner);
  const runnerId = given(runner.runnerId);
  expect(await client.runners.retrieve({ runnerId })).toEqual({ runner });

  const more = await client.runners.createRunnerToken({ runnerId });
  expect(more).toEqual({
    accessToken: expect.stringMatching(/^rmock_access_[\w-]{43}$/),
    exchangeToken: expect.stringMatching(/^rmock_exchange_[\w-]{43}$/),
  });
  // The reference: this does not expire previously issued tokens.
  for (const token of [given(exchangeToken), given(more.exchangeToken)]) {
    expect((await client.identity.exchangeToken({ exchangeToken: token })).accessToken).toMatch(
      /^rmock_access_/,
    );
  }

  expect(await client.runners.delete({ runnerId, force: true })).toEqual({});
  expect(await errorOf(client.runners.retrieve({ runnerId }))).toBeInstanceOf(NotFoundError);
  expect(await errorOf(client.runners.createRunnerToken({ runnerId }))).toBeInstanceOf(NotFoundError);
  expect(await errorOf(client.runners.delete({ runnerId }))).toBeInstanceOf(NotFoundError);
  expect(await idsOf(client.runners.list({}))).toEqual([]);
});

describe("as the runner, the Node SDK", () => {
  test("is known by the token that it exchanged, and by each call keeps the lease alive", async ({
    mock,
    sdk,
  }) => {
    const { runnerId, asRunner } = await comeUp(sdk);
    expect(await phaseOf(sdk, runnerId)).toBe("RUNNER_PHASE_INACTIVE");
    const user = await sdk.client.identity.getAuthenticatedIdentity({});
    for (let renewals = 0; renewals < 3; renewals++) {
      await mock.clock.advance("29.999s");
      expect(await asRunner.identity.getAuthenticatedIdentity({})).toEqual({
        ...user,
        subject: { id: runnerId, principal: "PRINCIPAL_RUNNER" },
      });
    }
    expect(await phaseOf(sdk, runnerId)).toBe("RUNNER_PHASE_ACTIVE");
  });

  test("lapses when it falls silent, and comes back by its next call", async ({ mock, sdk }) => {
    const { runnerId, asRunner } = await comeUp(sdk);
    const { runner } = await sdk.client.runners.retrieve({ runnerId });
    await mock.clock.advance("29.999s");
    expect(await phaseOf(sdk, runnerId)).toBe("RUNNER_PHASE_INACTIVE");
    await mock.clock.advance("1ms");
    expect(await errorOf(sdk.client.runners.retrieve({ runnerId }))).toBeInstanceOf(NotFoundError);
    expect(await idsOf(sdk.client.runners.list({}))).toEqual([]);

    await asRunner.identity.getAuthenticatedIdentity({});
    expect((await sdk.client.runners.retrieve({ runnerId })).runner).toEqual({
      ...runner,
      status: { phase: "RUNNER_PHASE_ACTIVE", updatedAt: isoAfter(30_000) },
    });
    expect(await idsOf(sdk.client.runners.list({}))).toEqual([runnerId]);
  });

  test("is a stranger once its record has gone, 24 hours after its lapse", async ({ mock, sdk }) => {
    const { asRunner } = await comeUp(sdk);
    await mock.clock.advance("30s");
    await mock.clock.advance("24h");
    expect(await errorOf(asRunner.identity.getAuthenticatedIdentity({}))).toBeInstanceOf(AuthenticationError);
  });

  test("renews its registration by creating it again", async ({ mock, sdk }) => {
    const { runnerId, asRunner } = await comeUp(sdk);
    await mock.clock.advance("29.999s");
    const { runner, exchangeToken } = await asRunner.runners.create({
      ...productionRunner,
      name: "New name",
    });
    expect(runner).toMatchObject({
      runnerId,
      name: "New name",
      createdAt: startIso,
      updatedAt: isoAfter(29_999),
    });
    expect(exchangeToken).toMatch(/^rmock_exchange_/);
    await mock.clock.advance("29.999s");
    expect(await idsOf(sdk.client.runners.list({}))).toEqual([runnerId]);
  });

  test("sees nobody but itself", async ({ sdk }) => {
    const { runnerId, asRunner } = await comeUp(sdk);
    await createMany(sdk, 3);
    expect(await idsOf(asRunner.runners.list({}))).toEqual([runnerId]);
  });
});

describe("the base URL", () => {
  const bases = ["", "/api", "/w/blue", "/w/blue/api"] as const;
  const worldOf = (base: string) => (base.startsWith("/w/") ? "blue" : "default");

  test.for(bases)("%j reaches its world and no other", async (base, { mock }) => {
    const here = sdkOf(mock, {}, base);
    const { runner } = await here.client.runners.create(productionRunner);
    for (const other of bases) {
      const seen = await idsOf(sdkOf(mock, {}, other).client.runners.list({}));
      expect(seen).toEqual(worldOf(other) === worldOf(base) ? [runner.runnerId] : []);
    }
    expect(here.sent[0]?.url.pathname).toBe(`${base}/gitpod.v1.RunnerService/CreateRunner`);
  });

  test("may end with a slash", async ({ mock }) => {
    const { client, sent } = sdkOf(mock, {}, "/api/");
    await client.runners.create(productionRunner);
    expect(sent[0]?.url.pathname).toBe("/api/gitpod.v1.RunnerService/CreateRunner");
  });

  test("takes the SDK through all pages of its world", async ({ mock }) => {
    const sdk = sdkOf(mock, {}, "/w/blue/api");
    const created = await createMany(sdk, 5);
    expect(await idsOf(sdk.client.runners.list({ pageSize: 2 }))).toEqual(
      created.map(({ runnerId }) => runnerId),
    );
  });
});
