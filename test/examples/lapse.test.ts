import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "vitest";
import { test } from "../support/control.ts";

const script = fileURLToPath(new URL("../../examples/lapse.sh", import.meta.url));

test("examples/lapse.sh sees a runner lapse with nothing but curl", async ({ mock }) => {
  const { stdout } = await promisify(execFile)("bash", [script, mock.url, mock.controlUrl ?? ""]);
  expect(stdout).toBe("registered: 1\n31 seconds later: 0\n");
});
