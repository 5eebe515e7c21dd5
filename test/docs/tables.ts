/** How a table in Markdown is written. */
export const code = (text: string) => `\`${text.replaceAll("|", "\\|")}\``;

const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;

export const table = (head: readonly string[], rows: readonly (readonly string[])[]) =>
  [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");

/** The text between the comments `<!-- NAME: … -->` and `<!-- /NAME -->`. */
export const between = (document: string, name: string) =>
  new RegExp(`<!-- ${name}:.*?-->\n(.*?)\n?<!-- /${name} -->`, "s").exec(document)?.[1];

/** The cells of each row of the tables in a document, without their heads. */
export function rowsIn(document: string): string[][] {
  const lines = document.split("\n");
  const isRule = (line: string | undefined) => /^\| ?---/.test(line ?? "");
  return lines
    .filter((line, at) => line.startsWith("| ") && !isRule(line) && !isRule(lines[at + 1]))
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}
