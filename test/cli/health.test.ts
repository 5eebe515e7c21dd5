/** `gitpod-runner-mock health`, as the probe of a container calls it. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "../support/command-line.ts";

const quiet = { code: 0, stdout: "", stderr: "" };

test.concurrent("health exits with 0 while the mock is ready and with 1 once it has gone", async ({
  commandLine,
  expect,
}) => {
  const mock = await commandLine.serve();
  const { port } = new URL(mock.url);
  const variables = { RUNNER_MOCK_PORT: port };
  expect(
    await Promise.all([
      commandLine.run(["health", mock.url]),
      commandLine.run(["health", `${mock.url}/`]),
      // What a container sets for the mock, its probe finds out by.
      commandLine.run(["health"], variables),
      commandLine.run(["health", "--port", port]),
      commandLine.run(["health", "--host", "0.0.0.0", "--port", port]),
    ]),
  ).toEqual([quiet, quiet, quiet, quiet, quiet]);

  mock.signal("SIGTERM");
  await mock.ended;
  const gone = await Promise.all([
    commandLine.run(["health", mock.url]),
    commandLine.run(["health"], variables),
  ]);
  for (const { code, stdout, stderr } of gone) {
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(new RegExp(`^not ready: ${mock.url}: [^\n]*ECONNREFUSED[^\n]*\n$`));
  }
});

test.concurrent("health exits with 1 and says what it got from one that is not ready", async ({
  commandLine,
  expect,
  onTestFinished,
}) => {
  const stopping = createServer((_, response) => response.writeHead(503).end()).listen(0, "127.0.0.1");
  onTestFinished(() => void stopping.close());
  await once(stopping, "listening");
  const url = `http://127.0.0.1:${(stopping.address() as AddressInfo).port}`;
  const { code, stdout, stderr } = await commandLine.run(["health", url]);
  expect([code, stdout, stderr]).toEqual([1, "", `not ready: ${url} answered 503\n`]);
});

test.concurrent("health exits with 1 and says so for what is no URL", async ({ commandLine, expect }) => {
  const { code, stdout, stderr } = await commandLine.run(["health", "localhost"]);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toMatch(/^not ready: localhost: [^\n]+\n$/);
});
