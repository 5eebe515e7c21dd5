/** The suites of the generated SDKs were written against a static mock: bodies are empty, ids name nothing. */
import type { DescMethod } from "@bufbuild/protobuf";
import { describe, expect } from "vitest";
import { EventService } from "../../src/gen/gitpod/v1/event_pb.ts";
import { GatewayService } from "../../src/gen/gitpod/v1/gateway_pb.ts";
import { IdentityService } from "../../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerRole, RunnerService } from "../../src/gen/gitpod/v1/runner_pb.ts";
import { post } from "../support/post.ts";
import { sharing } from "../support/shared-mock.ts";

const permissive = sharing({ profile: "permissive" });

const unary = [RunnerService, IdentityService, EventService, GatewayService]
  .flatMap(({ methods }): readonly DescMethod[] => methods)
  .filter(({ methodKind }) => methodKind === "unary")
  .map((method) => [`${method.parent.typeName}/${method.name}`, method] as const);

describe.for(unary)("in the profile permissive, %s", ([path, method]) => {
  permissive("answers an empty request", async ({ shared }) => {
    expect((await post(`${shared.url}/api/${path}`, {})).status).toBe(200);
  });

  permissive("answers a request that names what does not exist, in ids that are none", async ({ shared }) => {
    const texts = method.input.fields.filter(
      ({ scalar, fieldKind }) => fieldKind === "scalar" && scalar === 9,
    );
    const body = Object.fromEntries(texts.map(({ jsonName }) => [jsonName, `${jsonName}-1`]));
    expect((await post(`${shared.url}/api/${path}`, body)).status).toBe(200);
  });
});

permissive("what does not exist is echoed, and nothing is made of it", async ({ shared }) => {
  const { runner: client } = shared;
  const policy = { runnerId: "runner-1", groupId: "group-1", role: RunnerRole.ADMIN };
  expect((await client.createRunnerPolicy(policy)).policy).toMatchObject({ groupId: "group-1", role: 1 });
  expect((await client.updateRunnerPolicy(policy)).policy).toMatchObject({ groupId: "group-1", role: 1 });
  expect((await client.listRunnerPolicies({ runnerId: "runner-1" })).policies).toEqual([]);
  expect((await client.createRunnerLogsToken({ runnerId: "runner-1" })).accessToken).toMatch(/^rmock_logs_/);
  const contextUrl = "https://github.com/nobody/nothing";
  expect(await client.parseContextURL({ contextUrl })).toMatchObject({ originalContextUrl: contextUrl });
  expect((await client.parseContextURL({ contextUrl })).git).toBeUndefined();
});
