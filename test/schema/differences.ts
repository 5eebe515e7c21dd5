/** Compares two trees of plain objects: a line for each place where `have` is not what `want` says. */
export function differences(want: unknown, have: unknown, path = ""): string[] {
  if (isBranch(want) && isBranch(have)) {
    const keys = new Set([...Object.keys(want), ...Object.keys(have)]);
    return [...keys].flatMap((key) =>
      differences(want[key], have[key], path === "" ? key : `${path}.${key}`),
    );
  }
  if (JSON.stringify(want) === JSON.stringify(have)) return [];
  if (want === undefined) return [`${path}: too much`];
  if (have === undefined) return [`${path}: missing`];
  return [`${path}: should be ${JSON.stringify(want)}, is ${JSON.stringify(have)}`];
}

function isBranch(tree: unknown): tree is Readonly<Record<string, unknown>> {
  return typeof tree === "object" && tree !== null && !Array.isArray(tree);
}
