/** Every error stands once in src/errors.ts and once in docs/errors.md, and says what to do. */
import { readdirSync, readFileSync } from "node:fs";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { type ErrorRow, errors, errorTable } from "../../src/errors.ts";
import { Explanation_Blame as Blame, ExplanationSchema } from "../../src/gen/runnermock/v1/explanation_pb.ts";
import { errorsTable } from "./errors-table.ts";
import { between } from "./tables.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");
const rows = Object.entries<ErrorRow>(errorTable);

test("docs/errors.md lists exactly the errors that there are", () => {
  expect(between(read("docs/errors.md"), "errors")).toBe(errorsTable);
});

test("an error is made nowhere else", () => {
  const files = readdirSync(new URL("src", root), { recursive: true, encoding: "utf8" });
  const makers = files
    .map((file) => `src/${file}`)
    .filter((file) => file.endsWith(".ts") && read(file).includes("new ConnectError("));
  expect(makers).toEqual(["src/errors.ts"]);
});

test("no text and code stand there twice", () => {
  const told = rows.map(([, { code, text }]) => `${Code[code]} ${text}`);
  expect(told).toEqual([...new Set(told)]);
});

test("each row that an error refers to is there in docs/fidelity.md", () => {
  const fidelity = read("docs/fidelity.md");
  const missing = rows.flatMap(([, { fidelity: anchor }]) =>
    anchor === undefined || fidelity.includes(`<a id="${anchor}"></a>`) ? [] : [anchor],
  );
  expect(missing).toEqual([]);
});

test("an error carries its values, its details and its explanation", () => {
  const cause = new Error("secret");
  const error = errors.invalidPageToken({ token: 'a"b' }, { cause, rule: "a.rule", field: "a.field" });
  expect(error).toMatchObject({
    code: Code.InvalidArgument,
    rawMessage: String.raw`invalid pagination token "a\"b"`,
    cause,
  });
  expect(error.findDetails(ExplanationSchema)).toMatchObject([
    {
      error: "invalidPageToken",
      rule: "a.rule",
      field: "a.field",
      blame: Blame.CLIENT,
      remedy: errorTable.invalidPageToken.remedy,
      fidelity: "page-tokens",
    },
  ]);
});

test("a value is cut where it is long, and longer where several problems are told", () => {
  const long = "x".repeat(10_000);
  expect(errors.invalidPageToken({ token: long }).rawMessage).toHaveLength(
    'invalid pagination token "…"'.length + 200,
  );
  expect(errors.undecodable({ problem: long }).rawMessage).toHaveLength(4_001);
});
