/** The official Python SDK, sync and async, with nothing but another base URL: story.py tells what it sees. */
import { expect } from "vitest";
import { startMs, test } from "../../support/mock.ts";
import { inPython, pythonSdk } from "./environment.ts";
import { tellInPython } from "./story.ts";

const startIso = new Date(startMs).toISOString();
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

test.for(
  ["Gitpod", "AsyncGitpod"].map((client) => [inPython(`a runner's life by Python's ${client}`), client]),
)("%s", async ([, client = ""], { mock, skip }) => {
  skip(pythonSdk.missing !== undefined, pythonSdk.missing);
  const story = tellInPython("story.py", client, `${mock.url}/api`);

  const { reply, user } = await story.until("created");
  expect(user).toMatchObject({ subject: { id: expect.stringMatching(uuid), principal: "PRINCIPAL_USER" } });
  expect(reply).toEqual({
    runner: {
      runnerId: expect.stringMatching(uuid),
      createdAt: expect.toSatisfy((time) => Date.parse(time) === startMs, startIso),
      updatedAt: expect.toSatisfy((time) => Date.parse(time) === startMs, startIso),
      creator: (user as { subject: unknown }).subject,
      kind: "RUNNER_KIND_REMOTE",
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
      status: {
        phase: "RUNNER_PHASE_CREATED",
        updatedAt: expect.toSatisfy((time) => Date.parse(time) === startMs, startIso),
      },
    },
    accessToken: expect.stringMatching(/^rmock_access_/),
    exchangeToken: expect.stringMatching(/^rmock_exchange_/),
  });
  const { runnerId } = (reply as { runner: { runnerId: string } }).runner;

  expect(await story.until("exchanged")).toEqual({ phase: "RUNNER_PHASE_INACTIVE" });
  await mock.clock.advance("29.999s");
  expect(await story.until("renewed")).toMatchObject({
    identity: { subject: { id: runnerId, principal: "PRINCIPAL_RUNNER" } },
  });
  await mock.clock.advance("29.999s");
  expect(await story.until("still there")).toEqual({ phase: "RUNNER_PHASE_ACTIVE" });
  await mock.clock.advance("1ms");
  expect(await story.until("lapsed")).toEqual({
    error: { class: "NotFoundError", status: 404, code: "not_found" },
  });
  expect(await story.until("revived")).toEqual({ phase: "RUNNER_PHASE_ACTIVE" });

  const listRunners = /^\/api\/gitpod\.v1\.RunnerService\/ListRunners/;
  for (const pageSize of ["in the body", "in the query"]) {
    const { created, listed, sent } = await story.until("listed");
    expect(listed, pageSize).toEqual(created);
    expect(sent, pageSize).toEqual(Array(3).fill(expect.stringMatching(listRunners)));
  }
  expect(await story.until("filtered")).toEqual({
    names: ["Runner 1", "Runner 3", "Runner 5", "Runner 7"],
    sent: Array(2).fill(expect.stringMatching(listRunners)),
  });

  expect(await story.until("deleted")).toEqual({
    reply: {},
    errors: {
      "deleted runner": { class: "NotFoundError", status: 404, code: "not_found" },
      "its token": { class: "AuthenticationError", status: 401, code: "unauthenticated" },
      "another's runner": { class: "PermissionDeniedError", status: 403, code: "permission_denied" },
      "short name": { class: "BadRequestError", status: 400, code: "invalid_argument" },
    },
    // None of them is tried again.
    sent: Array(4).fill(expect.any(String)),
  });
  expect(await story.end()).toEqual({ code: 0, stderr: "" });
});
