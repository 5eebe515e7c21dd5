/** compose.yaml and the example with a service beside the mock, with the image that scripts/container.sh has built. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** Docker's compose as Debian has it. */
async function compose(file: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("docker-compose", ["-f", `${root}${file}`, ...args]);
  return stdout;
}

test("compose.yaml has the mock at the usual ports, and it becomes healthy", async () => {
  onTestFinished(async () => {
    await compose("compose.yaml", "down");
  });
  await compose("compose.yaml", "up", "-d", "--no-build");
  const answer = (url: string) =>
    fetch(url).then(
      ({ status }) => status,
      () => undefined,
    );
  await expect.poll(() => answer("http://127.0.0.1:8080/readyz"), { timeout: 10_000 }).toBe(200);
  expect(await answer("http://127.0.0.1:8081/metrics")).toBe(200);
  await expect
    .poll(() => compose("compose.yaml", "ps"), { timeout: 20_000, interval: 200 })
    .toContain("healthy");
});

test("a service of examples/compose waits for the mock's health, and registers a runner", async () => {
  const file = "examples/compose/compose.yaml";
  onTestFinished(async () => {
    await compose(file, "down");
  });
  const output = await compose(file, "up", "--no-color", "--exit-code-from", "service");
  expect(output).toContain("registered Composed Runner");
  expect(output).toContain("exited with code 0");
});
