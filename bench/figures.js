/** How the benches measure, and what they make of it. */

export const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

export const round = (number, digits = 2) => Number(number.toFixed(digits));

/** What the heap holds once it has been collected, in bytes. */
export function heapBytes() {
  if (globalThis.gc === undefined) throw new Error("run it with node --expose-gc");
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}

/** How long `work` takes, in milliseconds. */
export async function timed(work) {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

/** How long `work` takes, and how long it holds up the event loop at most. */
export async function heldUp(work) {
  let longestMs = 0;
  let last = performance.now();
  let going = true;
  const watch = () => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - last);
    last = now;
    if (going) setImmediate(watch);
  };
  setImmediate(watch);
  const ms = await timed(work);
  await new Promise((resolve) => setImmediate(resolve));
  going = false;
  return { ms, longestMs };
}
