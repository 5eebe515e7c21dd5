/** Every error of the table can be met over the wire, and explains itself there. */

import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { type Client, ConnectError } from "@connectrpc/connect";
import { describe, expect } from "vitest";
import { systemTime } from "../src/clock.ts";
import { type ErrorName, type ErrorRow, errorTable } from "../src/errors.ts";
import { EventService } from "../src/gen/gitpod/v1/event_pb.ts";
import { RunnerProvider } from "../src/gen/gitpod/v1/runner_configuration_pb.ts";
import { RunnerRole, RunnerService } from "../src/gen/gitpod/v1/runner_pb.ts";
import { Health } from "../src/gen/grpc/health/v1/health_pb.ts";
import { ExplanationSchema } from "../src/gen/runnermock/v1/explanation_pb.ts";
import type { RunnerMockOptions } from "../src/options.ts";
import {
  type ConfigurationClient,
  configurationOf,
  environmentClass,
  large,
} from "./support/configuration.ts";
import { type ControlClient, controlOf } from "./support/control.ts";
import { openMock, type StartMock, type TestMock, test } from "./support/mock.ts";
import { post, rpc } from "./support/post.ts";
import { asRunner, productionRunner, register } from "./support/registrations.ts";

const runnerId = "0198a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b";
const groupId = "7f1d7a4e-7d5a-4c0e-9f0a-1d2c3b4a5f6e";
const managed = { name: "Managed", provider: RunnerProvider.MANAGED, runnerManagerId: groupId };
const github = "https://github.com/";
const dearest = { runnerId, groupId, role: RunnerRole.USER };
const honeycomb = { spec: { configuration: { honeycombApiKey: "secret" } } };

type Provoke = (start: StartMock) => Promise<unknown>;
type Runner = Client<typeof RunnerService>;

/** A call to RunnerService of a mock with the default options. */
const calling =
  (call: (runner: Runner, mock: TestMock) => Promise<unknown>): Provoke =>
  async (start) => {
    const mock = await start();
    await call(mock.runner, mock);
  };

/** The same, about a runner that there is. */
const about = (call: (runner: Runner, runnerId: string, mock: TestMock) => Promise<unknown>): Provoke =>
  calling(async (runner, mock) => call(runner, (await register(mock)).runnerId, mock));

/** A call to RunnerConfigurationService, and a runner to call it about. */
const configuring = (call: (client: ConfigurationClient, runnerId: string) => Promise<unknown>): Provoke =>
  about((_, id, mock) => call(configurationOf(mock), id));

/** A call to the control service, and a world to call it about. */
const controlling =
  (
    call: (control: ControlClient, mock: TestMock) => Promise<unknown>,
    options: RunnerMockOptions = {},
  ): Provoke =>
  async (start) => {
    const mock = await start({ controlPort: 0, ...options });
    await call(controlOf(mock), mock);
  };

/** Throws what the answer tells of an error. */
const posting =
  (path: string, body: unknown, headers = {}): Provoke =>
  async (start) => {
    const answer = await post((await start()).url + path, body, headers);
    throw answer.body;
  };

const provoked: Partial<Record<ErrorName, Provoke>> = {
  runnerNotFound: calling((runner) => runner.getRunner({ runnerId })),
  runnerPolicyNotFound: about((runner, id) => runner.deleteRunnerPolicy({ runnerId: id, groupId })),
  runnerPolicyExists: about(async (runner, id) => {
    await runner.createRunnerPolicy({ ...dearest, runnerId: id });
    await runner.createRunnerPolicy({ ...dearest, runnerId: id });
  }),
  onlyUserPolicies: async (start) => {
    const mock = await start({ adminPolicies: "refuse" });
    await mock.runner.createRunnerPolicy({ ...dearest, role: RunnerRole.ADMIN });
  },
  invalidPageToken: calling((runner) => runner.listRunners({ pagination: { token: "x" } })),
  invalidPageSize: posting(`${rpc.listRunners}?pageSize=x`, {}),
  permissionDenied: about(async (_, id, mock) => {
    const { accessToken } = await register(mock);
    await asRunner(mock, accessToken).runner.getRunner({ runnerId: id });
  }),
  missingBearer: async (start) => (await start({ auth: "required" })).runner.listRunners({}),
  invalidBearer: calling((_, mock) =>
    mock.client(RunnerService, { bearer: "rmock_access_x" }).listRunners({}),
  ),
  invalidExchangeToken: calling((_, mock) => mock.identity.exchangeToken({ exchangeToken: "x" })),
  onlyManagerMayMakeTokens: async (start) => {
    const mock = await start({ managedRunners: "self-driven" });
    await mock.runner.createRunnerToken({ runnerId: (await register(mock, managed)).runnerId });
  },
  onlyManagerMayUpdate: async (start) => {
    const mock = await start({ managedRunners: "self-driven" });
    await mock.runner.updateRunner({ runnerId: (await register(mock, managed)).runnerId, name: "New" });
  },
  secondManagedRunner: async (start) => {
    const mock = await start({ secondManagedRunner: "refuse" });
    await register(mock, managed);
    await register(mock, managed);
  },
  renewalMismatch: calling(async (_, mock) => {
    const { accessToken } = await register(mock);
    const { runner } = asRunner(mock, accessToken);
    await runner.createRunner({ ...productionRunner, provider: RunnerProvider.GCP });
  }),
  localConfigurationIsFixed: async (start) => {
    const { runner } = await start({ localConfigurationRunner: "present" });
    const [local] = (await runner.listRunners({})).runners;
    await runner.deleteRunner({ runnerId: local?.runnerId ?? "" });
  },
  desiredPhaseIsFixed: about((runner, id) =>
    runner.updateRunner({ runnerId: id, spec: { desiredPhase: 3 } }),
  ),
  desiredPhaseIsDeprecated: async (start) => {
    const mock = await start({ desiredPhaseOnUpdate: "refuse" });
    const registered = await register(mock);
    await mock.runner.updateRunner({ runnerId: registered.runnerId, spec: { desiredPhase: 3 } });
  },
  noPublicKey: about((runner, id) => runner.updateRunner({ runnerId: id, ...honeycomb })),
  onlyOwnScmIntegrations: async (start) => {
    const mock = await start({ managedRunners: "self-driven" });
    const registered = await register(mock, managed);
    await configurationOf(mock).createSCMIntegration({ runnerId: registered.runnerId });
  },
  environmentClassNotFound: configuring((client) =>
    client.getEnvironmentClass({ environmentClassId: runnerId }),
  ),
  scmIntegrationNotFound: configuring((client) => client.getSCMIntegration({ id: runnerId })),
  scmIntegrationExists: configuring(async (client, id) => {
    await client.createSCMIntegration({ runnerId: id, host: "github.com" });
    await client.createSCMIntegration({ runnerId: id, host: "github.com" });
  }),
  llmIntegrationNotFound: configuring((client) => client.getLLMIntegration({ id: runnerId })),
  hostAuthenticationTokenNotFound: configuring((client) =>
    client.getHostAuthenticationToken({ id: runnerId }),
  ),
  hostAuthenticationTokenExists: configuring(async (client, id) => {
    await client.createHostAuthenticationToken({ runnerId: id, host: "github.com", token: "x" });
    await client.createHostAuthenticationToken({ runnerId: id, host: "github.com", token: "x" });
  }),
  invalidConfiguration: configuring((client, id) =>
    client.createEnvironmentClass({ ...large, runnerId: id, configuration: [] }),
  ),
  runnerNotActive: about((runner, id) => runner.searchRepositories({ runnerId: id })),
  invalidContextUrl: calling((runner) => runner.parseContextURL({ contextUrl: "https://example.com/a/b" })),
  authenticationRequired: calling((runner) =>
    runner.parseContextURL({ contextUrl: "https://dev.azure.com/a/_git/b" }),
  ),
  repositoryForbidden: calling((runner) =>
    runner.parseContextURL({ contextUrl: `${github}acme/secret-plans` }),
  ),
  scmResourceNotFound: calling((runner) => runner.parseContextURL({ contextUrl: `${github}nobody/nothing` })),
  invalidSort: calling((_, mock) => mock.client(EventService).listAuditLogs({ sort: { field: "x" } })),
  enterpriseOnly: async (start) => {
    const mock = await start({ auditLogs: "enterprise-only", organizationTier: "core" });
    await mock.client(EventService).listAuditLogs({});
  },
  watcherFellBehind: async (start) => {
    const mock = await start({ maxWatchBacklog: 1 });
    const watch = mock.client(EventService).watchEvents({})[Symbol.asyncIterator]();
    const first = watch.next();
    await register(mock);
    await first;
    // All at one moment: nobody can read so fast.
    for (let i = 0; i < 10; i++) await register(mock);
    await mock.clock.advance("31s");
    for (;;) await watch.next();
  },
  invalidWorldName: posting(`/w/Bad${rpc.listRunners}`, {}),
  tooManyWorlds: async (start) => {
    const mock = await start({ maxWorlds: 1 });
    await mock.client(RunnerService, { path: "/w/other" }).listRunners({});
  },
  worldNotFound: controlling((control) => control.getClock({ world: "none" })),
  worldExists: controlling((control) => control.createWorld({ world: "default" })),
  defaultWorldStays: controlling((control) => control.deleteWorld({ world: "default" })),
  worldGone: async (start) => {
    const mock = await start();
    const watch = mock.client(EventService).watchEvents({})[Symbol.asyncIterator]();
    const first = watch.next();
    await register(mock);
    await first;
    const next = watch.next();
    next.catch(() => {});
    await mock.reset();
    await next;
  },
  noLease: controlling(
    async (control, { runner }) => {
      const [local] = (await runner.listRunners({})).runners;
      await control.lapseRunner({ runnerId: local?.runnerId ?? "" });
    },
    { localConfigurationRunner: "present" },
  ),
  tokenNotFound: controlling((control) => control.expireToken({ token: "x" })),
  clockMovedWrongly: controlling((control) => control.advanceClock({ by: durationFromMs(-1) })),
  unknownProfile: controlling((control) => control.createWorld({ world: "x", profile: "x" })),
  invalidControlToken: controlling((control) => control.getClock({}), { controlToken: "secret" }),
  foreignOrigin: async (start) => {
    const { controlUrl } = await start({ controlPort: 0 });
    const path = "/runnermock.v1.ControlService/GetClock";
    throw (await post(controlUrl + path, {}, { origin: "https://evil.example" })).body;
  },
  runnerExists: controlling(async (control, mock) => {
    const runners = [{ runnerId: (await register(mock)).runnerId }];
    await control.loadState({ source: { case: "state", value: { runners } }, add: true });
  }),
  resourceExists: controlling(async (control, mock) => {
    const { runnerId: id } = await register(mock);
    const classId = await environmentClass.create(configurationOf(mock), id);
    const runners = [{ environmentClasses: [{ ...large, id: classId }] }];
    await control.loadState({ source: { case: "state", value: { runners } }, add: true });
  }),
  invalidDocument: controlling((control) =>
    control.loadState({ source: { case: "document", value: "x: y" } }),
  ),
  faultNotFound: controlling((control) => control.removeFault({ faultId: "x" })),
  invalidCallFilter: controlling((control) => control.listCalls({ filter: { rpc: "Nothing" } })),
  invalidFault: controlling((control) =>
    control.injectFault({ fault: { effect: { case: "error", value: { code: "x" } } } }),
  ),
  injectedFault: calling(async (runner, mock) => {
    await mock.faults.inject({ effect: { case: "error", value: { code: "unavailable" } } });
    await runner.listRunners({});
  }),
  adversity: async (start) => {
    const mock = await start({ adversity: 0, adversityLevel: 1, adversityKinds: ["rate-limits"] });
    await mock.runner.listRunners({});
  },
  invalidAdversity: controlling((control) => control.startAdversity({ adversity: { level: 2 } })),
  tooFewCalls: async () => {
    const mock = await openMock({}, systemTime);
    try {
      await mock.calls.waitFor({}, { timeout: 1 });
    } finally {
      await mock.close();
    }
  },
  unknownService: calling((_, mock) => mock.client(Health).check({ service: "x" })),
  undecodable: posting(rpc.listRunners, "{"),
  violated: calling((runner) => runner.getRunner({ runnerId: "x" })),
  missingRequestMessage: async (start) => {
    const response = await fetch(`${(await start()).url}/gitpod.v1.EventService/WatchEvents`, {
      method: "POST",
      headers: { "content-type": "application/connect+json" },
      body: "",
    });
    // Behind the five bytes that tell how long it is.
    throw JSON.parse((await response.text()).slice(5));
  },
  bodyTooLarge: posting(rpc.listRunners, JSON.stringify({ x: "x".repeat(5_000_000) })),
  noContentType: async (start) => {
    const response = await fetch((await start()).url + rpc.listRunners, { method: "POST" });
    throw await response.json();
  },
  unsupportedContentType: posting(rpc.listRunners, "{}", { "content-type": "text/plain" }),
  unknownVersion: posting(rpc.listRunners, {}, { "connect-protocol-version": "2" }),
  unknownRpc: posting("/gitpod.v1.RunnerService/Nothing", {}),
  methodNotAllowed: async (start) => {
    const response = await fetch((await start()).url + rpc.createRunner, { method: "PUT" });
    throw await response.json();
  },
  badRequest: posting("/%zz", {}),
  serverStopping: async (start) => {
    const mock = await start();
    const watch = mock.client(EventService).watchEvents({})[Symbol.asyncIterator]();
    const first = watch.next();
    await register(mock);
    await first;
    const next = watch.next();
    next.catch(() => {});
    await mock.close();
    await next;
  },
};

/** Those that cannot be had so, and why. */
const notProvoked: Partial<Record<ErrorName, string>> = {
  storeUnavailable: "test/shared/trouble.test.ts takes an engine away",
  eventsLost: "test/store/redis/redis-feed.test.ts takes events away from an engine",
  invalidHost: "test/http/oidc.test.ts and test/http/bad-input.test.ts send what fetch does not",
  extraRequestMessage: "test/http/bad-input.test.ts sends two messages over gRPC",
  clientWentAway: "nobody is left to read it",
  internalError: "there is no known bug",
};

test("each error of the table is provoked here, or there is a reason why not", () => {
  const told = [...Object.keys(provoked), ...Object.keys(notProvoked)];
  expect(told.sort()).toEqual(Object.keys(errorTable).sort());
});

/** The name and remedy in the explanation, however the client got hold of the error. */
async function explanationOf(call: Promise<unknown>): Promise<{ error: string; remedy: string } | undefined> {
  const failure = await call.then(
    () => undefined,
    (reason) => reason,
  );
  if (failure instanceof ConnectError) return failure.findDetails(ExplanationSchema)[0];
  const details = failure?.details ?? failure?.error?.details;
  return details?.find(({ type }: { type: string }) => type === ExplanationSchema.typeName)?.debug;
}

describe("the error", () => {
  test.for(Object.entries(provoked))(
    "%s says who it is and what to do",
    async ([name, provoke], { start }) => {
      const { remedy } = errorTable[name as ErrorName] as ErrorRow;
      expect(await explanationOf(provoke(start))).toMatchObject({ error: name, remedy });
    },
  );
});
