import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { ControlService } from "../src/gen/runnermock/v1/control_pb.ts";
import { leanDescriptors } from "./lean-descriptors.ts";

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  // So that it also works below a path.
  base: "./",
  plugins: [leanDescriptors(ControlService)],
  build: {
    outDir: fileURLToPath(new URL("../dist/page", import.meta.url)),
    emptyOutDir: true,
    target: "es2023",
    modulePreload: { polyfill: false },
    // Its policy lets no data: in but for images.
    assetsInlineLimit: 0,
    license: { fileName: "LICENSES.md" },
    reportCompressedSize: false,
  },
});
