/** The table of docs/errors.md as it must be. */
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { type ErrorRow, errorTable } from "../../src/errors.ts";
import { Explanation_Blame as Blame } from "../../src/gen/runnermock/v1/explanation_pb.ts";
import { code, table } from "./tables.ts";

const blames: Readonly<Record<Blame, string>> = {
  [Blame.UNSPECIFIED]: "",
  [Blame.CLIENT]: "client",
  [Blame.MOCK_LIMIT]: "limit of the mock",
  [Blame.MOCK_BUG]: "bug of the mock",
  [Blame.INJECTED_FAULT]: "an injected fault",
};

export const errorsTable = table(
  ["error", "code", "text", "whose doing", "what to do", "known"],
  Object.entries<ErrorRow>(errorTable).map(([name, row]) => [
    code(name),
    code(codeToString(row.code)),
    code(row.text),
    blames[row.blame ?? Blame.CLIENT],
    row.remedy,
    row.fidelity === undefined ? "" : `[row](fidelity.md#${row.fidelity})`,
  ]),
);
