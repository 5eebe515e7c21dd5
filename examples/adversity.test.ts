/** Does a client get along with what the API may do? The official SDK pages, retries and follows by itself. */
import Gitpod from "@gitpod/sdk";
import { test as base, expect } from "gitpod-runner-mock/vitest";

// From this seed everything is drawn; with "on" it is another one each time, and a test that fails says which.
const test = base.extend({ runnerMockOptions: [{ adversity: 42, adversityLevel: 0.4 }, { scope: "file" }] });

test("all runners are listed, whatever their pages are like", async ({ runnerMock }) => {
  const client = new Gitpod({ baseURL: runnerMock.url, bearerToken: "test-token" });
  const names = ["Anna", "Berta", "Clara", "Dora", "Emma", "Frida", "Gerda"];
  for (const name of names) await client.runners.create({ name, provider: "RUNNER_PROVIDER_AWS_EC2" });
  // A read may miss what was written just before; the one behind it does not.
  await client.identity.getAuthenticatedIdentity({});

  const listed: (string | undefined)[] = [];
  for await (const { name } of client.runners.list({})) listed.push(name);

  expect(listed).toEqual(names);
  const kinds = new Set(runnerMock.calls.list().flatMap(({ adversity }) => adversity?.kinds ?? []));
  expect(kinds).toContain("redirects");
});
