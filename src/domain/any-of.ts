/** Filters by lists: within one list any value will do (DOC), and an empty list accepts all. */
export function anyOf<T>(values: readonly T[]): (value: T) => boolean {
  const set = new Set(values);
  return (value) => set.size === 0 || set.has(value);
}
