import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (name: string) => fileURLToPath(new URL(`src/${name}.ts`, import.meta.url));

export default defineConfig({
  resolve: {
    // The examples import the package by its name.
    alias: [
      { find: /^gitpod-runner-mock\/vitest$/, replacement: source("vitest") },
      { find: /^gitpod-runner-mock$/, replacement: source("index") },
    ],
  },
  test: {
    include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
    // These need an engine and an image: scripts/container.sh.
    exclude: ["test/container/**"],
    testTimeout: 20_000,
    maxWorkers: "100%",
    // Nothing here touches what files share, and loading everything anew for each takes longer than the tests.
    isolate: false,
    // As Node itself imports CommonJS.
    deps: { interopDefault: false },
  },
});
