/** The README's code that takes an engine. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { codeBlocks } from "../docs/code-blocks.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const run = promisify(execFile);

function block(contains: string): string {
  const found = codeBlocks("README.md").filter(({ code }) => code.includes(contains));
  expect(found).toHaveLength(1);
  return found[0]?.code ?? "";
}

test("the container that docker run starts is reached at the ports that it names", async () => {
  const command =
    block("docker run")
      .split("\n")
      .find((line) => line.startsWith("docker run ")) ?? "";
  const [docker = "", ...args] = command.replace("docker run", "docker run --name readme -d").split(" ");
  await run(docker, args);
  onTestFinished(async () => {
    await run("docker", ["stop", "readme"]);
  });
  const ready = () =>
    fetch("http://127.0.0.1:8080/readyz").then(
      ({ ok }) => ok,
      () => false,
    );
  await expect.poll(ready, { timeout: 10_000 }).toBe(true);
  expect((await fetch("http://127.0.0.1:8081/readyz")).ok).toBe(true);
});

test("the container of Testcontainers starts, obeys and stops", async () => {
  const child = run(process.execPath, ["--input-type=module"], { cwd: root });
  child.child.stdin?.end(block("RunnerMockContainer"));
  expect((await child).stdout).toMatch(/^http:\S+:\d+ http:\S+:\d+\n$/);
});
