/** What the benches make of their measurements. */

export const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

export const round = (number, digits = 2) => Number(number.toFixed(digits));
