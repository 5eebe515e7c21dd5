/** How unkind to be, and in which ways. */
import { errors } from "../../errors.ts";
import { shown } from "../../shown.ts";

/**
 * What adversity can do, kind by kind: see docs/adversity.md. In this order the kinds are drawn, and do what they do to
 * one and the same call.
 */
export const adversityKinds = [
  "rate-limits",
  "refused-renewals",
  "redirects",
  "missed-reads",
  "short-pages",
  "cut-streams",
  "slow-streams",
  "late-events",
  "repeated-events",
  "json-defaults",
  "unknown-enum-values",
  "unknown-fields",
  "json-layout",
] as const;
export type AdversityKind = (typeof adversityKinds)[number];

export interface AdversitySettings {
  /** What everything is drawn from: a whole number from 0 to 4294967295. */
  readonly seed: number;
  /** How likely each kind meets a call that it can meet, above 0 and up to 1. */
  readonly level: number;
  readonly kinds: readonly AdversityKind[];
}

export const maxSeed = 2 ** 32 - 1;
export const defaultLevel = 0.2;

const isSeed = (seed: number) => Number.isInteger(seed) && seed >= 0 && seed <= maxSeed;
export const isLevel = (level: number) => level > 0 && level <= 1;

/** Those that are named, in the order in which they are drawn; undefined where one is none, or there is none at all. */
export function kindsNamed(names: readonly string[]): readonly AdversityKind[] | undefined {
  const kinds = adversityKinds.filter((kind) => names.includes(kind));
  return kinds.length > 0 && kinds.length === new Set(names).size ? kinds : undefined;
}

/** What may be left open: the seed is drawn then, the level is the default, and the kinds are all that there are. */
export type AdversityInit = {
  readonly [Name in keyof AdversitySettings]?: AdversitySettings[Name] | undefined;
};

/**
 * @param drawSeed where there is none
 * @throws invalid_argument for what no adversity can be
 */
export function adversityOf(init: AdversityInit, drawSeed: () => number): AdversitySettings {
  const { seed = drawSeed(), level = defaultLevel, kinds = adversityKinds } = init;
  if (!isSeed(seed)) refuse(`seed ${seed} is no whole number from 0 to ${maxSeed}`);
  if (!isLevel(level)) refuse(`level ${level} is not above 0 and up to 1`);
  const known = kindsNamed(kinds) ?? refuse(`${shown(kinds)} are not some of ${adversityKinds.join(", ")}`);
  return { seed, level, kinds: known };
}

function refuse(problem: string): never {
  throw errors.invalidAdversity({ problem });
}
