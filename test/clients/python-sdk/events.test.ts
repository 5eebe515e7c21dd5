/** The official Python SDK, sync and async, hears and reads of runners: watch.py tells what it sees. */
import { expect } from "vitest";
import { startMs, test } from "../../support/mock.ts";
import { inPython, pythonSdk } from "./environment.ts";
import { tellInPython } from "./story.ts";

const event = (operation: string, resourceId: unknown) => ({
  operation: `RESOURCE_OPERATION_${operation}`,
  resourceType: "RESOURCE_TYPE_RUNNER",
  resourceId,
});

test.for(
  ["Gitpod", "AsyncGitpod"].map((client) => [
    inPython(`events and the audit log by Python's ${client}`),
    client,
  ]),
)("%s", async ([, client = ""], { mock, skip }) => {
  skip(pythonSdk.missing !== undefined, pythonSdk.missing);
  const story = tellInPython("watch.py", client, `${mock.url}/api`);

  // The watch has begun though nothing has happened yet.
  await story.until("begun");
  const { runner } = await story.until("about to lapse");
  await mock.clock.advance("30s");
  const { another, last, events } = await story.until("heard");
  expect(events).toEqual([
    event("CREATE", runner),
    event("UPDATE", runner),
    event("DELETE", runner),
    event("CREATE", another),
    event("DELETE", another),
  ]);

  const { entries, queries } = await story.until("listed");
  const user = { actorId: expect.stringMatching(/./), actorPrincipal: "PRINCIPAL_USER" };
  expect(entries).toEqual(
    [
      { ...user, action: "create", subjectId: last, createdAt: at(30_000) },
      { ...user, action: "delete", subjectId: another, createdAt: at(30_000) },
      { ...user, action: "create", subjectId: another, createdAt: at(30_000) },
      // Nobody lets a registration lapse.
      { action: "delete", subjectId: runner, createdAt: at(30_000) },
      { ...user, action: "update", subjectId: runner, createdAt: at(0) },
      { ...user, action: "create", subjectId: runner, createdAt: at(0) },
    ].map((entry) => ({
      ...entry,
      id: expect.any(String),
      subjectType: "RESOURCE_TYPE_RUNNER",
      kind: expect.any(String),
    })),
  );
  expect(queries).toEqual([
    "pageSize=2",
    expect.stringMatching(/token=.*/),
    expect.stringMatching(/token=.*/),
  ]);

  // It is not tried again.
  expect(await story.until("refused")).toEqual({
    outcome: { class: "BadRequestError", status: 400, code: "invalid_argument" },
    calls: 1,
  });
  expect(await story.end()).toEqual({ code: 0, stderr: "" });
});

function at(ms: number) {
  return expect.toSatisfy((time) => Date.parse(time) === startMs + ms, new Date(startMs + ms).toISOString());
}
