/**
 * The ledger of what is proven, docs/evidence.md, from the results of a test run (vitest's JSON reporter): RPC ×
 * protocol × client. There is a mark only where a test made that call, checked the answer, and passed.
 *
 *   node scripts/evidence.js RESULTS.json          fails if the ledger says something else of a client that ran
 *   node scripts/evidence.js RESULTS.json --all    fails, too, if the ledger names a client that did not run
 *   node scripts/evidence.js RESULTS.json --write  writes it anew
 */
import { readFileSync, writeFileSync } from "node:fs";
import { apiServices, rpcOf } from "../dist/api.js";

const ledger = new URL("../docs/evidence.md", import.meta.url);
const protocols = [
  "Connect JSON",
  "Connect binary",
  "Connect JSON with GET",
  "Connect binary with GET",
  "gRPC",
  "gRPC-Web",
  "JSON Lines",
];
const rpcs = apiServices.flatMap(({ methods }) => methods.map((method) => rpcOf(method)));

const head = [
  "# What is proven",
  "",
  "Made from a test run by `npm run evidence`; `.ci/run` holds it against each further run. A mark stands only where a test",
  "made that call with that client, over that protocol and version of HTTP, compared the answer with what it had to be, and",
  "passed. The clients are unmodified: as they come from npm, PyPI, the Go module proxy and Debian's packages.",
].join("\n");

/** Everything that the passed tests have noted. */
function evidenceIn(resultsFile) {
  const { testResults } = JSON.parse(readFileSync(resultsFile, "utf8"));
  const passed = testResults.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status === "passed"),
  );
  return passed.flatMap(({ meta }) => meta?.evidence ?? []);
}

/** `Connect JSON, HTTP/1.1` → protocol and version. */
const split = (wire) => /^(.+), (HTTP\/\S+)$/.exec(wire).slice(1);

/** By protocol, then by "client, HTTP version", the RPCs that are marked. */
function marksOf(evidence) {
  const marks = new Map();
  for (const { client, wire, rpc } of evidence) {
    const [protocol, http] = split(wire);
    if (!protocols.includes(protocol)) throw new Error(`no section for the protocol ${protocol}`);
    const column = `${client}, ${http}`;
    if (!marks.has(protocol)) marks.set(protocol, new Map());
    const columns = marks.get(protocol);
    if (!columns.has(column)) columns.set(column, new Set());
    columns.get(column).add(rpc);
  }
  return marks;
}

function written(marks) {
  const sections = protocols
    .filter((protocol) => marks.has(protocol))
    .map((protocol) => {
      const columns = [...marks.get(protocol)].sort(([a], [b]) => (a < b ? -1 : 1));
      const rows = rpcs.filter((rpc) => columns.some(([, marked]) => marked.has(rpc)));
      const line = (cells) => `| ${cells.join(" | ")} |`;
      return [
        `## ${protocol}`,
        "",
        line(["RPC", ...columns.map(([column]) => column)]),
        line(["---", ...columns.map(() => ":-:")]),
        ...rows.map((rpc) =>
          line([`\`${shortOf(rpc)}\``, ...columns.map(([, marked]) => (marked.has(rpc) ? "✓" : ""))]),
        ),
      ].join("\n");
    });
  const proven = new Set(
    [...marks.values()].flatMap((columns) => [...columns.values()].flatMap((marked) => [...marked])),
  );
  const open = rpcs.filter((rpc) => !proven.has(rpc));
  if (open.length > 0) {
    sections.push(["## Nothing yet", "", ...open.map((rpc) => `- \`${shortOf(rpc)}\``)].join("\n"));
  }
  return `${[head, ...sections].join("\n\n")}\n`;
}

const shortOf = (rpc) => rpc.replace(/^gitpod\.v1\./, "");

/** The evidence that a ledger tells of. */
function read(text) {
  return text
    .split(/^## /m)
    .slice(1)
    .flatMap((section) => {
      const [protocol, ...lines] = section.split("\n");
      const [header = [], , ...rows] = lines
        .filter((line) => line.startsWith("|"))
        .map((line) =>
          line
            .slice(1, -1)
            .split("|")
            .map((cell) => cell.trim()),
        );
      return rows.flatMap(([rpc, ...cells]) =>
        cells.flatMap((cell, index) => {
          const [client, http] = split(header[index + 1]);
          return cell === "✓"
            ? [{ client, wire: `${protocol}, ${http}`, rpc: `gitpod.v1.${rpc.replaceAll("`", "")}` }]
            : [];
        }),
      );
    });
}

const textOf = ({ client, wire, rpc }) => `${client} · ${wire} · ${shortOf(rpc)}`;
const clientsOf = (evidence) => [...new Set(evidence.map(({ client }) => client))].sort();

const [resultsFile, mode] = process.argv.slice(2);
const found = evidenceIn(resultsFile);
if (mode === "--write") {
  writeFileSync(ledger, written(marksOf(found)));
  console.log(
    `docs/evidence.md: ${new Set(found.map(textOf)).size} marks of ${clientsOf(found).length} clients`,
  );
} else {
  const text = readFileSync(ledger, "utf8");
  const told = read(text);
  const ran = new Set(clientsOf(found));
  const absent = clientsOf(told).filter((client) => !ran.has(client));
  if (absent.length > 0)
    console.log(`docs/evidence.md: not looked at here, since they did not run: ${absent.join("; ")}`);
  const toldOfThose = new Set(told.filter(({ client }) => ran.has(client)).map(textOf));
  const foundOnes = new Set(found.map(textOf));
  const stale = [
    ...[...toldOfThose]
      .filter((mark) => !foundOnes.has(mark))
      .map((mark) => `marked, but not proven: ${mark}`),
    ...[...foundOnes]
      .filter((mark) => !toldOfThose.has(mark))
      .map((mark) => `proven, but not marked: ${mark}`),
  ];
  if (mode === "--all" && absent.length === 0 && stale.length === 0 && written(marksOf(found)) !== text) {
    stale.push("its text is not what the script writes");
  }
  for (const problem of stale) console.error(`docs/evidence.md is stale: ${problem}`);
  if (stale.length > 0 || (mode === "--all" && absent.length > 0)) {
    console.error("npm run evidence writes it anew");
    process.exitCode = 1;
  } else console.log(`docs/evidence.md: ${toldOfThose.size} marks of ${ran.size} clients hold`);
}
