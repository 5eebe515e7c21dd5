import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: import.meta.dirname,
    // The engine starts what they need, and they share its ports.
    fileParallelism: false,
    testTimeout: 60_000,
    deps: { interopDefault: false },
  },
});
