/** docs/adversity.md has each kind, and the command that it tells to run can be run. */
import { readFileSync } from "node:fs";
import { describe, expect } from "vitest";
import { adversityKinds } from "../../src/domain/adversity/kind.ts";
import { test } from "../support/command-line.ts";
import { codeBlocks } from "./code-blocks.ts";
import { between, code, rowsIn } from "./tables.ts";

const document = readFileSync(new URL("../../docs/adversity.md", import.meta.url), "utf8");

describe("docs/adversity.md", () => {
  test("has a row for each kind: what the API says, what it does, and whom it has caught", () => {
    const rows = rowsIn(between(document, "kinds") ?? "");
    expect(rows.map(([kind]) => kind)).toEqual(adversityKinds.map(code));
    for (const [kind, says, does] of rows) expect([kind, says, does]).not.toContain("");
  });

  test("tells to run a command that can be run", { timeout: 60_000 }, async ({ commandLine }) => {
    const commands = codeBlocks("docs/adversity.md").filter(({ language }) => language === "sh");
    expect(commands).toHaveLength(1);
    for (const { code: line } of commands) {
      const [program, ...args] = line.trim().replace("200", "2").split(" ");
      expect([program, args.slice(-3)]).toEqual(["gitpod-runner-mock", ["--", "npm", "test"]]);
      const ended = await commandLine.run([...args.slice(0, -2), process.execPath, "--version"]);
      expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining("nothing broke the command") });
    }
  });
});
