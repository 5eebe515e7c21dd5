/** What a refused request is told to have violated. */
import { type FieldPath, ViolationsSchema } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { ConnectError } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";

/**
 * The violations in the details of the error, each as the path of the field, if it is about one, and the rule;
 * sorted. Empty if the call succeeds.
 */
export async function violationsOf(call: Promise<unknown>): Promise<string[]> {
  const error = await call.then(
    () => undefined,
    (reason) => reason,
  );
  if (error === undefined) return [];
  if (!(error instanceof ConnectError)) throw error;
  const [details, ...more] = error.findDetails(ViolationsSchema);
  if (codeToString(error.code) !== "invalid_argument" || details === undefined || more.length > 0) {
    throw new Error(`expected invalid_argument with Violations, got ${error.message}`);
  }
  return details.violations.map(({ field, ruleId }) => `${pathOf(field)} ${ruleId}`.trim()).sort();
}

function pathOf(field: FieldPath | undefined): string {
  return (field?.elements ?? [])
    .map(({ fieldName, subscript }) =>
      subscript.case === undefined ? fieldName : `${fieldName}[${subscript.value}]`,
    )
    .join(".");
}
