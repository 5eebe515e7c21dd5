import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "vitest";
import { test } from "../support/mock.ts";

const script = fileURLToPath(new URL("../../examples/compose/register.mjs", import.meta.url));

test.for([
  ["GITPOD_BASE_URL", "GITPOD_API_KEY"],
  ["ONA_BASE_URL", "ONA_API_KEY"],
] as const)("examples/compose/register.mjs finds the mock by %s", async ([baseUrl, apiKey], { mock }) => {
  const env = { PATH: process.env.PATH, [baseUrl]: `${mock.url}/api`, [apiKey]: "test-token" };
  const { stdout } = await promisify(execFile)(process.execPath, [script], { env });
  expect(stdout).toBe("registered Composed Runner\n");
  expect((await mock.runner.listRunners({})).runners).toMatchObject([{ name: "Composed Runner" }]);
});
