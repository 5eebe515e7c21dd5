/** How the official Node SDK tells its user that a call failed, how often it called, and who it calls as. */
import Gitpod, {
  type APIError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  NotFoundError,
  PermissionDeniedError,
} from "@gitpod/sdk";
import { describe, expect } from "vitest";
import type { StartMock } from "../../support/mock.ts";
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

describe("an error is the SDK's own class, with the mock's text, after a single call", () => {
  interface Case {
    readonly title: string;
    readonly start?: Parameters<StartMock>[0];
    /** Fails with its last call; what it needs to get there is not counted. */
    readonly call: (sdk: Sdk) => PromiseLike<unknown>;
    readonly is: new (...args: never[]) => APIError;
    readonly status: number;
    readonly code: string;
    readonly text: string;
  }
  const cases: readonly Case[] = [
    {
      title: "a name that is too short",
      call: ({ client }) => client.runners.create({ ...productionRunner, name: "ab" }),
      is: BadRequestError,
      status: 400,
      code: "invalid_argument",
      text: "name: must be at least 3 characters",
    },
    {
      title: "a field that there is not",
      call: ({ client }) =>
        client.runners.create({
          ...productionRunner,
          spec: { configuration: { regoin: "us-west" } },
        } as Gitpod.RunnerCreateParams),
      is: BadRequestError,
      status: 400,
      code: "invalid_argument",
      text: "spec.configuration.regoin",
    },
    {
      title: "an id that is none",
      call: ({ client }) => client.runners.retrieve({ runnerId: "runner-1" }),
      is: BadRequestError,
      status: 400,
      code: "invalid_argument",
      text: "runner_id: must be a valid UUID",
    },
    {
      title: "a page token that no page ended with",
      call: ({ client }) => client.runners.list({ token: "page-2" }),
      is: BadRequestError,
      status: 400,
      code: "invalid_argument",
      text: 'invalid pagination token "page-2"',
    },
    {
      title: "an exchange token that was used already",
      call: async ({ client, sent }) => {
        const { exchangeToken } = await client.runners.create(productionRunner);
        await client.identity.exchangeToken({ exchangeToken: given(exchangeToken) });
        sent.length = 0;
        await client.identity.exchangeToken({ exchangeToken: given(exchangeToken) });
      },
      is: AuthenticationError,
      status: 401,
      code: "unauthenticated",
      text: "invalid exchange token",
    },
    {
      title: "a bearer that is not configured, where one is required",
      start: { auth: "required" },
      call: ({ client }) => client.runners.list({}),
      is: AuthenticationError,
      status: 401,
      code: "unauthenticated",
      text: "invalid bearer token",
    },
    {
      title: "a runner that asks for another",
      call: async (sdk) => {
        const { asRunner } = await comeUp(sdk);
        sdk.sent.length = 0;
        await asRunner.runners.retrieve({ runnerId: unknownId });
      },
      is: PermissionDeniedError,
      status: 403,
      code: "permission_denied",
      text: "permission denied",
    },
    {
      title: "a runner that there is not",
      call: ({ client }) => client.runners.retrieve({ runnerId: unknownId }),
      is: NotFoundError,
      status: 404,
      code: "not_found",
      text: "runner not found",
    },
  ];

  const table = cases.map(({ title, ...expected }) => [title, expected] as const);
  test.for(table)("%s", async ([, { start: options, call, is, status, code, text }], { start }) => {
    const sdk = sdkOf(await start(options));
    const error = await errorOf(call(sdk));
    expect(error).toBeInstanceOf(is);
    expect([error.status, error.code]).toEqual([status, code]);
    expect(error.message).toContain(text);
    expect(sdk.sent).toHaveLength(1);
  });
});

describe("what already exists, the Node SDK", () => {
  const managed = {
    name: "Managed",
    provider: "RUNNER_PROVIDER_MANAGED",
    runnerManagerId: unknownId,
  } as const satisfies Gitpod.RunnerCreateParams;

  test.for([
    [0, 1],
    [undefined, 3],
  ] as const)(
    "asks for again: with maxRetries %s it calls %i times",
    async ([maxRetries, calls], { start }) => {
      const { client, sent } = sdkOf(await start({ secondManagedRunner: "refuse" }));
      await client.runners.create(managed);
      sent.length = 0;
      const error = await errorOf(
        client.runners.create(managed, maxRetries === undefined ? {} : { maxRetries }),
      );
      expect(error).toBeInstanceOf(ConflictError);
      expect([error.status, error.code]).toEqual([409, "already_exists"]);
      expect(sent).toHaveLength(calls);
      expect(await idsOf(client.runners.list({}))).toHaveLength(1);
    },
  );
});

describe("a bearer with spaces in it", () => {
  const spaced = "My Bearer Token";

  test("is a user's, where it is configured", async ({ start }) => {
    const mock = await start({ auth: "required", token: { alice: spaced, bob: "test-token" } });
    const identity = async (bearerToken: string) =>
      (await sdkOf(mock, { bearerToken }).client.identity.getAuthenticatedIdentity({})).subject;
    const alice = await identity(spaced);
    expect(alice).toEqual({ id: expect.stringMatching(uuid), principal: "PRINCIPAL_USER" });
    expect(await identity("test-token")).not.toEqual(alice);
    expect(await errorOf(identity("My Bearer"))).toBeInstanceOf(AuthenticationError);
  });

  test("is as good as any, where none is required", async ({ sdk }) => {
    expect(sdk.client.bearerToken).toBe(spaced);
    expect((await sdk.client.runners.create(productionRunner)).runner.name).toBe("Production Runner");
  });
});
