import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { type Driver, startDriver } from "./driver.ts";
import { environmentOf } from "./python-sdk/environment.ts";

/** A driver that does with the lines that it reads, in `line`, as the script says. */
function scripted(script: string): Driver {
  const program = `require("readline").createInterface(process.stdin).on("line", (line) => { ${script} });`;
  const driver = startDriver(process.execPath, ["--eval", program]);
  onTestFinished(() => driver.end());
  return driver;
}

test("a driver's answers find what was asked, in whatever order they come", async () => {
  // Keeps the first command's answer until there is a second one.
  const driver = scripted(`
    const { id, name } = JSON.parse(line);
    globalThis.kept = (globalThis.kept ?? []).concat(JSON.stringify({ id, answer: name }));
    if (kept.length === 2) console.log(kept.reverse().join("\\n"));`);
  const answers = ["first", "second"].map((name) => driver.ask({ name }));
  expect(await Promise.all(answers)).toEqual(["first", "second"]);
});

test("a driver that dies fails what waits for it and what is asked later, with what it wrote to stderr", async () => {
  const driver = scripted(`process.stderr.write("no way", () => process.exit(7));`);
  const why = /has ended: 7\nno way$/;
  await expect(driver.ask({})).rejects.toThrow(why);
  await expect(driver.ask({})).rejects.toThrow(why);
});

test("a driver that does not start says so", async () => {
  await expect(startDriver("/nowhere/driver", []).ask({})).rejects.toThrow(/does not start: .*ENOENT/);
});

test.for([
  ["python-sdk", ["Gitpod"]],
  ["python-connect-sdk", []],
] as const)(
  "%s: a driver in Python that cannot do what it is told says why",
  async ([name, args], { skip }) => {
    const { python, missing } = environmentOf(name);
    skip(missing !== undefined, missing);
    const program = fileURLToPath(new URL(`${name}/driver.py`, import.meta.url));
    const driver = startDriver(python, [program, ...args, "http://127.0.0.1:9/api", "bearer"]);
    onTestFinished(() => driver.end());
    const call = driver.ask({ do: "call", rpc: "RunnerService/NoSuch", request: {}, bearer: "bearer" });
    await expect(call).rejects.toThrow(/no_such|NoSuch/);
  },
);
