/** Every row of the tables, each against a mock of its own. What holds after all of them is in harm.ts. */
import { describe, expect } from "vitest";
import { test } from "../support/mock.ts";
import { expectNoHarm } from "./harm.ts";
import { themes } from "./themes.ts";

describe.for(themes.map(({ name, rows }) => [name, rows] as const))("%s", ([, rows]) => {
  test.for(rows.map((row) => [row.title, row] as const))(
    "%s",
    { timeout: 4_000 },
    async ([, row], { start }) => {
      await expectNoHarm(await start({ stopGrace: "100ms", ...row.options, controlPort: 0 }), row);
    },
  );
});

test("there are at least 150 of them, each another one", () => {
  const titles = themes.flatMap(({ name, rows }) => rows.map(({ title }) => `${name}: ${title}`));
  expect(titles).toEqual([...new Set(titles)]);
  expect(titles.length).toBeGreaterThanOrEqual(150);
  const counts = themes.map(({ name, rows }) => `${name} ${rows.length}`);
  process.stdout.write(`malformed requests: ${titles.length} (${counts.join(", ")})\n`);
});
