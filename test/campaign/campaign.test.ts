/** What a campaign makes of runs that fail, for whatever reason. */
import { describe, expect, test } from "vitest";
import { type Attempt, campaign } from "../../src/campaign/campaign.ts";
import { type AdversityKind, adversityKinds } from "../../src/domain/adversity/kind.ts";

const seeds = [1, 2, 3, 4];

/** A client that is met by some kinds under each seed, and breaks on some sets of them. */
function attempting(
  met: (seed: number) => readonly AdversityKind[],
  breaking: readonly (readonly AdversityKind[])[],
): Attempt {
  return async (seed, kinds) => {
    const touched = met(seed).filter((kind) => kinds.includes(kind));
    const failed = breaking.some((set) => set.every((kind) => touched.includes(kind)));
    return { failed, touched, output: failed ? `seed ${seed}` : "" };
  };
}

const broken = (all: readonly number[]) => all.map((seed) => ({ seed, output: `seed ${seed}` }));

const found = (attempt: Attempt, jobs = 2) => campaign({ seeds, kinds: adversityKinds, attempt, jobs });

describe("a campaign", () => {
  test("finds nothing where nothing breaks", async () => {
    const findings = await found(attempting(() => adversityKinds, []));
    expect(findings).toEqual({ failed: [], causes: [], unsteady: [] });
  });

  test("finds each kind that breaks, also where another one breaks the same run", async () => {
    const findings = await found(
      attempting(
        (seed) => (seed < 3 ? adversityKinds : ["redirects", "json-layout"]),
        [["redirects"], ["short-pages"]],
      ),
    );
    expect(findings).toEqual({
      failed: seeds,
      causes: [
        { kinds: ["redirects"], runs: broken(seeds) },
        { kinds: ["short-pages"], runs: broken([1, 2]) },
      ],
      unsteady: [],
    });
  });

  test("finds kinds that break only together, also where one of them breaks other runs alone", async () => {
    const together = await found(attempting(() => adversityKinds, [["rate-limits", "missed-reads"]]));
    expect(together.causes).toMatchObject([{ kinds: ["rate-limits", "missed-reads"], runs: broken(seeds) }]);
    const alone: Attempt = async (seed, kinds) =>
      attempting(() => adversityKinds, seed === 1 ? [["redirects"]] : [["redirects", "short-pages"]])(
        seed,
        kinds,
      );
    expect((await found(alone, 1)).causes).toMatchObject([
      { kinds: ["redirects", "short-pages"], runs: broken([2, 3, 4]) },
      { kinds: ["redirects"], runs: broken([1]) },
    ]);
  });

  test("says which seeds failed once, and not again", async () => {
    let runs = 0;
    const findings = await found(
      async () => ({ failed: ++runs === 2, touched: ["redirects"], output: "" }),
      1,
    );
    expect(findings).toEqual({ failed: [2], causes: [], unsteady: [2] });
  });

  test("tells of its way, and keeps to its number of jobs", async () => {
    const told: string[] = [];
    let [running, most] = [0, 0];
    const attempt = attempting((seed) => (seed === 2 ? ["redirects"] : []), [["redirects"]]);
    await campaign({
      seeds,
      kinds: adversityKinds,
      jobs: 3,
      async attempt(seed, kinds) {
        most = Math.max(most, ++running);
        await new Promise(setImmediate);
        const run = await attempt(seed, kinds);
        running--;
        return run;
      },
      onRun: (failed) => told.push(failed ? "failed" : "passed"),
      onExplained: () => told.push("explained"),
    });
    expect(told.toSorted()).toEqual(["explained", "failed", "passed", "passed", "passed"]);
    expect(most).toBe(3);
  });
});
