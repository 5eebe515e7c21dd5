/**
 * What docs/conformance.md says of a run of the suite: how many cases there were for each way to call, what came of
 * them, and why some fail. The same run gives the same text, whenever and wherever it was.
 */

/** A suite of the tool: what its cases all have in common does not stand in their names. */
export interface Suite {
  readonly name: string;
  readonly relevantProtocols?: readonly string[];
  readonly relevantCodecs?: readonly string[];
  readonly relevantCompressions?: readonly string[];
}

export interface Run {
  /** The tool's, with their versions. */
  readonly tool: string;
  /** What the tool printed with `--vv`. */
  readonly log: string;
  readonly suites: readonly Suite[];
  /** Files of patterns in the tool's own format, each group below a comment that gives its reason. */
  readonly knownFailing: string;
  readonly knownFlaky: string;
}

const compressions = ["identity", "gzip", "br"] as const;

interface Row {
  readonly way: string;
  readonly cases: Record<string, number>;
  failing: number;
  varying: number;
}

/** @param run one in which nothing failed but what is known to */
export function report({ tool, log, suites, knownFailing, knownFlaky }: Run): string {
  const names = casesIn(log);
  const failing = groupsOf(knownFailing);
  const flaky = groupsOf(knownFlaky);
  const rows = new Map<string, Row>();
  const isOf = (groups: readonly Group[], name: string) => groups.some((group) => group.matches(name));
  for (const name of names) {
    const { way, compression } = wayOf(name, suites);
    const row = rows.get(way) ?? { way, cases: {}, failing: 0, varying: 0 };
    rows.set(way, row);
    row.cases[compression] = (row.cases[compression] ?? 0) + 1;
    if (isOf(failing, name)) row.failing++;
    if (isOf(flaky, name)) row.varying++;
  }
  const sorted = [...rows.values()].sort((a, b) => (a.way < b.way ? -1 : 1));
  return [
    "# Conformance",
    "",
    `What \`npm run test:conformance\` wrote: the results of the Connect project's own suite,`,
    `${tool}, whose clients call its service on the mock's listener, through the mock's handlers and the`,
    "API's whole chain of interceptors (`test/conformance/`). `npm run test:conformance -- --check` fails where this file no longer says what comes out.",
    "",
    "| HTTP | | protocol | codec | identity | gzip | br | passed | known to fail | varying |",
    "|---|---|---|---|--:|--:|--:|--:|--:|--:|",
    ...sorted.map(lineOf),
    lineOf(sumOf(sorted)),
    "",
    "Varying cases fail or pass by the suite's own timing; both are taken.",
    "",
    "## Known to fail",
    "",
    ...failing.flatMap((group) => sectionOf(group, names)),
    "## Varying",
    "",
    ...flaky.flatMap((group) => sectionOf(group, names)),
    "## Not run",
    "",
    "- Streams of requests beyond the limit on a message's size (client and bidirectional streaming): upstream. Connect for",
    "  Node (`@connectrpc/connect-node`) stops reading a request that it has refused, and on a bare `node:http2` server",
    "  without anything of ours, too, nothing resets its stream: the client's rest fills the connection's window and later",
    "  calls on it hang. Over HTTP/1.1 the connection is reset under whatever comes next. Of the mock's own RPCs",
    "  only server reflection streams its requests.",
    "- Bidirectional streams over HTTP/1.1: upstream. `@connectrpc/connect` answers them with 505.",
    "- TLS client certificates, HTTP/3, and the compressions zstd, deflate and snappy: not supported.",
    "",
    "## What is not as in the mock",
    "",
    "- The `Explanation` that our errors carry is taken off by an interceptor, the outermost: the suite counts details.",
    "- Nobody orders faults here; the schema has no pages, and no rules that the mock validates. These interceptors run,",
    "  and let every call pass. All callers are the default user, who may call everything.",
    "- The handlers tell no query parameters of a GET: requests are decoded before them. The suite allows that.",
    "",
  ].join("\n");
}

function casesIn(log: string): string[] {
  return [...log.matchAll(/^Sending request for "(.*)"\.\.\.$/gm)].map(([, name = ""]) => name).sort();
}

function wayOf(name: string, suites: readonly Suite[]): { way: string; compression: string } {
  const suite = suites.find((candidate) => name.startsWith(`${candidate.name}/`));
  const value = (axis: string, fixed?: readonly string[]) =>
    (new RegExp(`/${axis}:([^/]*)`).exec(name)?.[1] ?? fixed?.[0] ?? "").replace(/^[A-Z]+_/, "");
  const protocol = value("Protocol", suite?.relevantProtocols);
  const cells = [
    value("HTTPVersion") === "1" ? "1.1" : "2",
    value("TLS") === "true" ? "TLS" : "plaintext",
    { CONNECT: "Connect", GRPC: "gRPC", GRPC_WEB: "gRPC-Web" }[protocol] ?? protocol,
    value("Codec", suite?.relevantCodecs).toLowerCase(),
  ];
  return {
    way: cells.join(" | "),
    compression: value("Compression", suite?.relevantCompressions).toLowerCase(),
  };
}

function totalOf({ cases }: Row): number {
  return Object.values(cases).reduce((sum, count) => sum + count, 0);
}

function sumOf(rows: readonly Row[]): Row {
  const sum: Row = { way: "all | | |", cases: {}, failing: 0, varying: 0 };
  for (const { cases, failing, varying } of rows) {
    for (const [name, count] of Object.entries(cases)) sum.cases[name] = (sum.cases[name] ?? 0) + count;
    sum.failing += failing;
    sum.varying += varying;
  }
  return sum;
}

function lineOf(row: Row): string {
  const { way, cases, failing, varying } = row;
  const counts = [
    ...compressions.map((name) => cases[name] ?? 0),
    totalOf(row) - failing - varying,
    failing,
    varying,
  ];
  return `| ${way} | ${counts.join(" | ")} |`;
}

interface Group {
  readonly patterns: readonly string[];
  readonly reason: string;
  matches(name: string): boolean;
}

function groupsOf(file: string): Group[] {
  return file
    .trim()
    .split(/\n{2,}/)
    .map((block) => {
      const lines = block.split("\n");
      const patterns = lines.filter((line) => !line.startsWith("#"));
      const expressions = patterns.map(expressionOf);
      return {
        patterns,
        reason: lines.flatMap((line) => (line.startsWith("#") ? [line.slice(2)] : [])).join("\n"),
        matches: (name: string) => expressions.some((expression) => expression.test(`${name}/`)),
      };
    });
}

/** `*` is one step of a name, `**` any number of them. For names with a slash at the end. */
function expressionOf(pattern: string): RegExp {
  const steps = pattern.split("/").map((step) => {
    if (step === "**") return "(?:[^/]*/)*";
    return step === "*" ? "[^/]*/" : `${step.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}/`;
  });
  return new RegExp(`^${steps.join("")}$`);
}

function sectionOf({ patterns, reason, matches }: Group, names: readonly string[]): string[] {
  const count = names.filter(matches).length;
  return [reason, "", `${count} cases:`, "", ...patterns.map((pattern) => `- \`${pattern}\``), ""];
}
