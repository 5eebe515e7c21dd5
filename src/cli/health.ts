/** `gitpod-runner-mock health`: for the probe of a container, which has no curl. */

/** How long a mock may take to answer a probe. */
const timeoutMs = 5_000;

/** Resolves with the exit code: 0 if the mock at `url` is ready. */
export async function health(url: string): Promise<number> {
  try {
    const response = await fetch(`${url.replace(/\/+$/, "")}/readyz`, {
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (response.ok) return 0;
    process.stderr.write(`not ready: ${url} answered ${response.status}\n`);
  } catch (error) {
    const { message, cause } = error as Error;
    process.stderr.write(`not ready: ${url}: ${cause instanceof Error ? cause.message : message}\n`);
  }
  return 1;
}
