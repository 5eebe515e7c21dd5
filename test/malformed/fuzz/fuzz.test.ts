/**
 * Every RPC that the server serves, called with what is made up from the schema and then damaged: nothing of it is an
 * error of the server's, nothing hangs, and a good call works afterwards. FUZZ_RUNS makes it longer, FUZZ_SEED other.
 */
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { type DescMethod, type DescService, fromBinary, fromJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apiServices } from "../../../src/api.ts";
import { Health } from "../../../src/gen/grpc/health/v1/health_pb.ts";
import { ServerReflection as ReflectionV1 } from "../../../src/gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ReflectionV1Alpha } from "../../../src/gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { ControlService } from "../../../src/gen/runnermock/v1/control_pb.ts";
import { bugsIn, openMock, type TestMock } from "../../support/mock.ts";
import { expectBlameless } from "../harm.ts";
import { listRunners } from "../http2-client.ts";
import { bytesOf, type FuzzedCall, fuzzedCall, make } from "./calls.ts";

const seed = Number(process.env.FUZZ_SEED ?? 20261125);
const numRuns = Number(process.env.FUZZ_RUNS ?? 40);
/** Of the control service: the default world is for good calls. */
const ownWorlds = ["fuzz-a", "fuzz-b"];

let mock: TestMock;
let api: ClientHttp2Session;

beforeAll(async () => {
  mock = await openMock({ controlPort: 0, maxWorlds: 10_000 });
  api = await openSession(mock.url);
});

afterAll(async () => {
  api.destroy();
  await mock.close();
});

async function openSession(url = ""): Promise<ClientHttp2Session> {
  const session = connect(url);
  await once(session, "remoteSettings");
  return session;
}

/** Sends calls of the RPC until one is answered as none may be; fails with the shortest such call. */
async function fuzz(
  method: DescMethod,
  session: ClientHttp2Session,
  worlds: readonly string[],
): Promise<void> {
  const property = fc.asyncProperty(fuzzedCall(method, worlds), async (call) => {
    fc.pre(!meansDefaultWorld(method, call));
    await openOwnWorlds();
    mock.log.length = 0;
    expectBlameless(await make(session, call));
    expect(bugsIn(mock)).toEqual([]);
    expect(await listRunners(api), "the next good call").toBe("grpc 0");
  });
  // Otherwise all RPCs would be sent the like.
  await fc.assert(property, { seed: seed + offsetOf(method), numRuns, timeout: 5_000 });
}

const offsetOf = ({ parent, name }: DescMethod) =>
  [...parent.typeName, ...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1_000_003, 0);

/** Legal, and not to be done to a world in which good calls are made. */
function meansDefaultWorld(method: DescMethod, call: FuzzedCall): boolean {
  if (method.parent !== ControlService || !method.input.field.world) return false;
  try {
    const bytes = bytesOf(call);
    const message = call.contentType.endsWith("json")
      ? fromJsonString(method.input, bytes.toString(), { ignoreUnknownFields: true })
      : fromBinary(method.input, bytes);
    const { world } = message as { world?: string };
    return world === "" || world === "default";
  } catch {
    return false;
  }
}

async function openOwnWorlds(): Promise<void> {
  const there = new Set(mock.worlds.list().map(({ name }) => name));
  for (const name of ownWorlds) if (!there.has(name)) await mock.worlds.create(name);
}

const rpcsOf = (services: readonly DescService[]) =>
  services.flatMap(({ methods, typeName }) =>
    methods.map((method) => [`${typeName}/${method.name}`, method] as const),
  );

const time = { timeout: 30_000 + numRuns * 1_000 };
const standard = [Health, ReflectionV1, ReflectionV1Alpha];

describe("calls made up from the schema do no harm:", () => {
  test.for(rpcsOf([...apiServices, ...standard]))("%s", time, async ([, method]) => {
    await fuzz(method, api, ["default", "f1", "f2"]);
  });
});

describe("calls of the control service made up from the schema do no harm:", () => {
  // Opened only now: while the API is fuzzed for long, the server would let it go for being idle.
  let control: ClientHttp2Session;
  beforeAll(async () => {
    control = await openSession(mock.controlUrl);
  });
  afterAll(() => control.destroy());

  test.for(rpcsOf([ControlService]))("%s", time, async ([, method]) => {
    await fuzz(method, control, ownWorlds);
  });
});
