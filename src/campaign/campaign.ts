/**
 * A client under many seeds: which kinds of adversity break it, and the smallest sets of them that still do. How the
 * client is run is somebody else's business.
 */
import pMap from "p-map";
import type { AdversityKind } from "../domain/adversity/kind.ts";
import { smallest } from "./smallest.ts";

/** How a run of the client under a seed, and under these kinds alone, came out. */
export interface Run {
  readonly failed: boolean;
  /** The kinds that met a call of it. */
  readonly touched: readonly AdversityKind[];
  /** The end of what it had to say. */
  readonly output: string;
}

export type Attempt = (seed: number, kinds: readonly AdversityKind[]) => Promise<Run>;

export interface CampaignOptions {
  readonly seeds: readonly number[];
  readonly kinds: readonly AdversityKind[];
  readonly attempt: Attempt;
  /** How many runs there may be at once. */
  readonly jobs: number;
  /** Hears of each seed that has been run, and of each that failed once it is known why. */
  readonly onRun?: (failed: boolean) => void;
  readonly onExplained?: () => void;
}

/** Kinds that break the client together: without one of them it gets through. */
export interface Cause {
  readonly kinds: readonly AdversityKind[];
  /** The runs that they have broken, in ascending order of their seeds. */
  readonly runs: readonly BrokenRun[];
}

export interface BrokenRun {
  readonly seed: number;
  readonly output: string;
}

export interface Findings {
  /** The seeds under which the client failed. */
  readonly failed: readonly number[];
  /** What broke most runs comes first. */
  readonly causes: readonly Cause[];
  /** The seeds under which it failed once, and not again. */
  readonly unsteady: readonly number[];
}

export async function campaign(options: CampaignOptions): Promise<Findings> {
  const { seeds, kinds, attempt, jobs: concurrency, onRun, onExplained } = options;
  const runs = await pMap(
    seeds,
    async (seed) => {
      const run = await attempt(seed, kinds);
      onRun?.(run.failed);
      return { ...run, seed };
    },
    { concurrency },
  );
  const broken = runs.filter(({ failed }) => failed);
  const causes = new Map<string, { readonly kinds: Cause["kinds"]; readonly runs: BrokenRun[] }>();
  const unsteady: number[] = [];
  await pMap(
    broken,
    async (run) => {
      const { seed } = run;
      const found = await explain(run, kinds, [...causes.values()], (part) => attempt(seed, part));
      for (const [part, { output }] of found) {
        const cause = causes.get(part.join()) ?? { kinds: part, runs: [] };
        cause.runs.push({ seed, output });
        causes.set(part.join(), cause);
      }
      if (found.size === 0) unsteady.push(seed);
      onExplained?.();
    },
    { concurrency },
  );
  for (const { runs: all } of causes.values()) all.sort((a, b) => a.seed - b.seed);
  return {
    failed: broken.map(({ seed }) => seed),
    causes: [...causes.values()].sort((a, b) => b.runs.length - a.runs.length),
    unsteady: unsteady.sort((a, b) => a - b),
  };
}

type Explained = Map<readonly AdversityKind[], Run>;

/**
 * The sets of kinds that each break a run on their own: of those that are known, and of what is left without those. A
 * run that is spared what has broken it goes further, and meets more.
 */
async function explain(
  { touched }: Run,
  kinds: readonly AdversityKind[],
  known: readonly Cause[],
  attempt: (kinds: readonly AdversityKind[]) => Promise<Run>,
): Promise<Explained> {
  const found: Explained = new Map();
  const accounted = new Set<AdversityKind>();
  for (const { kinds: part } of known) {
    if (!part.every((kind) => touched.includes(kind))) continue;
    const run = await attempt(part);
    if (run.failed) found.set(part, run);
    for (const kind of part) accounted.add(kind);
  }
  for (;;) {
    const rest = kinds.filter((kind) => !accounted.has(kind));
    const shrunk = await shrink(rest, attempt);
    if (shrunk === undefined) break;
    found.set(...shrunk);
    for (const kind of shrunk[0]) accounted.add(kind);
  }
  // What takes a kind that is accounted for, and others with it.
  const together = found.size === 0 ? await shrink(kinds, attempt) : undefined;
  if (together !== undefined) found.set(...together);
  return found;
}

/** The smallest set that still breaks the run, and how; undefined where these kinds do not break it. */
async function shrink(
  kinds: readonly AdversityKind[],
  attempt: (kinds: readonly AdversityKind[]) => Promise<Run>,
): Promise<[readonly AdversityKind[], Run] | undefined> {
  let last = await attempt(kinds);
  if (!last.failed) return undefined;
  const part = await smallest(last.touched, async (candidate) => {
    const run = await attempt(candidate);
    if (run.failed) last = run;
    return run.failed;
  });
  return [part, last];
}
