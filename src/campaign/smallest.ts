/** Delta debugging: what is left of a set once everything that does not matter has been left out. */

/**
 * A part of `items` that still fails, and of which nothing can be left out. What fails is tried in halves first, then
 * in ever smaller parts (ddmin).
 *
 * @param items which fail together
 */
export async function smallest<T>(
  items: readonly T[],
  fails: (part: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let left = items;
  for (let count = 2; left.length > 1; ) {
    const parts = inParts(left, count);
    const without = parts.map((part) => left.filter((item) => !part.includes(item)));
    // Of two parts each is what is left without the other.
    const found = await firstOf(count === 2 ? parts : [...parts, ...without], fails);
    if (found !== undefined) {
      left = found;
      count = parts.includes(found) ? 2 : count - 1;
    } else if (count < left.length) count = Math.min(count * 2, left.length);
    else break;
  }
  return left;
}

function inParts<T>(items: readonly T[], count: number): readonly (readonly T[])[] {
  const at = (part: number) => Math.round((part * items.length) / count);
  return Array.from({ length: count }, (_, part) => items.slice(at(part), at(part + 1)));
}

async function firstOf<T>(
  candidates: readonly T[],
  matches: (candidate: T) => Promise<boolean>,
): Promise<T | undefined> {
  for (const candidate of candidates) if (await matches(candidate)) return candidate;
  return undefined;
}
