/** Runs tests that have to fail: see ../fixture.test.ts. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  test: { include: ["*.case.ts"], deps: { interopDefault: false } },
});
