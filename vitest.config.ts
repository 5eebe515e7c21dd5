import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 20_000,
    maxWorkers: "100%",
    // Nothing here touches what files share, and loading everything anew for each takes longer than the tests.
    isolate: false,
    // As Node itself imports CommonJS.
    deps: { interopDefault: false },
  },
});
