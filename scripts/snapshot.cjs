/**
 * Makes a start-up snapshot of the bundle that it lies beside: a heap in which all of it has been loaded already, from
 * which the mock starts in half the time.
 *   node --snapshot-blob snapshot.blob --build-snapshot snapshot.cjs
 *   node --snapshot-blob snapshot.blob dist/cli/main.js [options]
 * The Node that made it is the only one that takes it. docs: https://nodejs.org/api/cli.html#--build-snapshot
 */
const { readFileSync } = require("node:fs");
const { startupSnapshot } = require("node:v8");

const folder = `${__dirname}/dist/cli/`;

/** Modules of Node that hold what no snapshot can: sockets, parsers, threads. */
const unfreezable = /^(node:)?(http|http2|https|net|tls|dns|child_process|cluster|worker_threads)$/;

let isRunning = false;
/** The classes that were extended, with what stands for their prototypes. */
const extended = [];

/**
 * Stands for a value that can be had only once the snapshot runs. Until then it can be read from, and a class can extend
 * it; after that it behaves as the value.
 */
function later(get) {
  // biome-ignore lint/complexity/useArrowFunction: no class can extend an arrow function
  return new Proxy(function () {}, {
    get(_, key) {
      if (isRunning) return get()[key];
      if (key !== "prototype") return later(() => get()[key]);
      const prototype = {};
      extended.push([prototype, get]);
      return prototype;
    },
    apply: (_, self, args) => Reflect.apply(get(), self, args),
    construct: (_, args, newTarget) => Reflect.construct(get(), args, newTarget),
  });
}

/** The text as V8 keeps Latin letters: in half the space. */
const latin = (text) => Buffer.from(text, "latin1").toString("latin1");

/** The bundle's files, each loaded once, while the snapshot is made or when they are needed. */
const loaded = new Map();

function load(file) {
  const known = loaded.get(file);
  if (known) return known.exports;
  const module = { exports: {} };
  loaded.set(file, module);
  const code = readFileSync(folder + file, "utf8")
    .replace(/^#!.*/, "")
    .replace(/[^\0-\xff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`);
  new Function("exports", "require", "module", "__filename", "__dirname", latin(code))(
    module.exports,
    required,
    module,
    folder + file,
    folder,
  );
  return module.exports;
}

function required(id) {
  if (id.startsWith("./")) return load(id.slice(2));
  return unfreezable.test(id) ? later(() => process.getBuiltinModule(id)) : require(id);
}

const { run } = load("run.js");
load("serve.js");
load("metrics.js");
startupSnapshot.setDeserializeMainFunction(() => {
  isRunning = true;
  for (const [prototype, get] of extended) Object.setPrototypeOf(prototype, get().prototype);
  run(process.argv.slice(2));
});
