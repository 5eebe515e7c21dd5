#!/usr/bin/env node
import module from "node:module";

// What is loaded has been compiled, from the second start on. Node 20 cannot.
(module as { enableCompileCache?: () => unknown }).enableCompileCache?.();
void import("./run.ts").then(({ run }) => run(process.argv.slice(2)));
