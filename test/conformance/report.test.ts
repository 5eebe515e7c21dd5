/** The report of a run of the conformance suite, from what the tool prints. */
import { expect, test } from "vitest";
import { type Run, report } from "./report.ts";

const h2 = "HTTPVersion:2/Protocol:PROTOCOL_GRPC/Codec:CODEC_JSON";

const run: Run = {
  tool: "the tool v1",
  log: [
    `Sending request for "Basic/${h2}/Compression:COMPRESSION_GZIP/TLS:true/unary/success"...`,
    `Received response for "Basic/${h2}/Compression:COMPRESSION_GZIP/TLS:true/unary/success"...`,
    `Sending request for "Basic/${h2}/Compression:COMPRESSION_BR/TLS:true/(grpc client impl)/unary/success"...`,
    'Sending request for "Connect Odd/HTTPVersion:1/TLS:false/stream/odd"...',
    'Sending request for "Connect Odd/HTTPVersion:1/TLS:false/even"...',
  ].join("\n"),
  suites: [
    { name: "Basic" },
    {
      name: "Connect Odd",
      relevantProtocols: ["PROTOCOL_CONNECT"],
      relevantCodecs: ["CODEC_PROTO"],
      relevantCompressions: ["COMPRESSION_IDENTITY"],
    },
  ],
  knownFailing: "# Because.\n**/odd\n",
  knownFlaky: "# Now and then.\nConnect Odd/*/TLS:false/even\n",
};

function rows(text: string): string[] {
  return text.split("\n").filter((line) => /^\| (1\.1|2|all)/.test(line));
}

test("the report counts cases by HTTP version, TLS, protocol, codec and compression, whatever their names leave out", () => {
  expect(rows(report(run))).toEqual([
    "| 1.1 | plaintext | Connect | proto | 2 | 0 | 0 | 0 | 1 | 1 |",
    "| 2 | TLS | gRPC | json | 0 | 1 | 1 | 2 | 0 | 0 |",
    "| all | | | | 2 | 1 | 1 | 2 | 1 | 1 |",
  ]);
});

test("the report gives each group of known failures its reason and the number of its cases", () => {
  expect(report(run)).toContain("Because.\n\n1 cases:\n\n- `**/odd`\n");
});

test.for([
  ["**/odd", 1],
  ["*/odd", 0],
  ["Connect Odd/**", 2],
  ["Connect Odd/*/odd", 0],
  ["Connect Odd/**/stream/odd", 1],
] as const)("the pattern %s is read as the tool reads it", ([pattern, cases]) => {
  const text = report({ ...run, knownFailing: `# Because.\n${pattern}` });
  expect(text).toContain(`Because.\n\n${cases} cases:`);
});

test("the same cases in another order are the same report", () => {
  const log = run.log.split("\n").reverse().join("\n");
  expect(report({ ...run, log })).toBe(report(run));
});
