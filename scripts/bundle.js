/**
 * What the package's command and the image run: the built command line and the production dependencies that it uses, in
 * a few files, which start sooner and take a tenth of the size of node_modules. They are CommonJS, so that
 * scripts/snapshot.cjs can load them while it makes a snapshot.
 * What is loaded on demand stays in files of its own. The licences of all that went into it lie beside it.
 *   npm run bundle → bundle/
 */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createRegistry, toJson } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { uneval } from "devalue";
import { rolldown } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const target = `${root}bundle`;

/** What to do where a dependency is not as it was. */
const advice = "look whether the patch is still needed";

rmSync(target, { recursive: true, force: true });
const input = { main: "dist/cli/main.js", run: "dist/cli/run.js" };
const bundle = await rolldown({ cwd: root, input, platform: "node", plugins: [lazyRules(), parsedRules()] });
const { output } = await bundle.write({
  // The command line finds the package's description two folders up.
  dir: `${target}/dist/cli`,
  format: "cjs",
  entryFileNames: "[name].js",
  chunkFileNames: "[name].js",
  minify: true,
});
const { name, version, license } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
writeFileSync(`${target}/package.json`, JSON.stringify({ name, version, license, type: "commonjs" }));
cpSync(`${root}LICENSE`, `${target}/LICENSE`);
cpSync(`${root}scripts/snapshot.cjs`, `${target}/snapshot.cjs`);
// The page stands where it stands in the package, with the licences of what went into it.
cpSync(`${root}dist/page`, `${target}/dist/page`, { recursive: true });
writeFileSync(`${target}/THIRD-PARTY-LICENSES`, licencesOf(packagesIn(output)));

/**
 * Protovalidate parses every standard rule of a type as CEL with the first that is used, though it has those in use here
 * in JavaScript, too: a sixth of a start. In the bundle a rule is parsed when it is looked at.
 */
function lazyRules() {
  const method = "compileRulesUncached(descMessage) {";
  const lazy = `get compiled() {
    const value = manager.compileRule(rule);
    Object.defineProperty(this, "compiled", { value });
    return value;
  },`;
  return patch(/@bufbuild\/protovalidate\/dist\/(cjs|esm)\/cel\.js$/, () => [
    [method, 1, `${method} const manager = this;`],
    ["compiled: this.compileRule(rule),", 2, lazy],
  ]);
}

/**
 * The rules of our own schema are parsed here: the parser, cold as it is then, took an eighth of a start. Whatever else
 * there may be it still parses.
 */
function parsedRules() {
  const method = "function parse(expr) {";
  return patch(/@bufbuild\/cel\/dist\/(cjs|esm)\/parse\.js$/, async (id) => {
    const { parse } = await import(pathToFileURL(id));
    const entries = (await expressions()).map((text) => `[${uneval(text)}, () => (${uneval(parse(text))})]`);
    const known = `parse.known ??= new Map([${entries.join(",\n")}]);
      if (parse.known.has(expr)) return parse.known.get(expr)();`;
    return [[method, 1, `${method} ${known}`]];
  });
}

/**
 * Replaces texts in a dependency's file.
 *
 * @param replacementsOf of the file of that path: each text, how often it is there, and what comes in its place
 * @throws where the file, or one of the texts, is not there as it was
 */
function patch(file, replacementsOf) {
  let met = 0;
  return {
    name: `patch ${file}`,
    async transform(code, id) {
      if (!file.test(id.replaceAll("\\", "/"))) return;
      met += 1;
      let patched = code;
      for (const [text, times, replacement] of await replacementsOf(id)) {
        const found = code.split(text).length - 1;
        if (found !== times) throw new Error(`${id} has "${text}" ${found} times, not ${times}: ${advice}`);
        patched = patched.replaceAll(text, () => replacement);
      }
      return patched;
    },
    buildEnd() {
      if (met !== 1) throw new Error(`${file} was met ${met} times, not once: ${advice}`);
    },
  };
}

/** What the rules in our schema say in CEL. */
async function expressions() {
  const folder = `${root}dist/gen/`;
  const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith("_pb.js"));
  const modules = await Promise.all(names.map((name) => import(pathToFileURL(folder + name))));
  const files = modules.flatMap((module) => Object.values(module).filter((value) => value?.kind === "file"));
  const registry = createRegistry(...files.flatMap((file) => [file, ...file.dependencies]));
  const found = new Set();
  JSON.stringify(
    files.map(({ proto }) => toJson(FileDescriptorProtoSchema, proto, { registry })),
    (key, value) => {
      if (key === "expression") found.add(value);
      return value;
    },
  );
  return [...found];
}

/** The folders of the packages that modules came from. */
function packagesIn(chunks) {
  const modules = chunks.flatMap((chunk) => (chunk.type === "chunk" ? chunk.moduleIds : []));
  const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/;
  return [...new Set(modules.flatMap((id) => folder.exec(id.replaceAll("\\", "/"))?.[0] ?? []))].sort();
}

function licencesOf(folders) {
  return folders
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
      const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying)/i.test(file));
      const texts = files.map((file) => readFileSync(`${folder}/${file}`, "utf8").trim());
      return [`${name} ${version} (${license})`, ...texts].join("\n\n");
    })
    .join(`\n\n${"-".repeat(80)}\n\n`)
    .concat("\n");
}
