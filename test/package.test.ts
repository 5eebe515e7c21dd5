import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL("package.json", root), "utf8"));

test("everything that the product imports is a dependency of it, and nothing else is", () => {
  const imported = new Set<string>();
  for (const file of readdirSync(new URL("src", root), { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts")) continue;
    const code = readFileSync(new URL(`src/${file}`, root), "utf8");
    for (const [, name = ""] of code.matchAll(/(?:from|import\()\s*"([^".][^"]*)"/g)) {
      if (name.startsWith("node:")) continue;
      imported.add(name.split("/", name.startsWith("@") ? 2 : 1).join("/"));
    }
  }
  // By its own name an example in a comment imports it.
  imported.delete(manifest.name);
  const named = { ...manifest.dependencies, ...manifest.peerDependencies };
  expect([...imported].sort()).toEqual(Object.keys(named).sort());
});

test("the packages of Connect, and generator and runtime of the messages, have one exact version", () => {
  const { dependencies, devDependencies } = manifest;
  const connect = Object.keys(dependencies).filter((name) => name.startsWith("@connectrpc/"));
  expect(new Set(connect.map((name) => dependencies[name])).size).toBe(1);
  expect(dependencies["@connectrpc/connect"]).toMatch(/^\d/);
  expect(devDependencies["@bufbuild/protoc-gen-es"]).toBe(dependencies["@bufbuild/protobuf"]);
});
