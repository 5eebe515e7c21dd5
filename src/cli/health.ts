/** `gitpod-runner-mock health`: for the probe of a container, which has no curl. */

/** How long a mock may take to answer a probe. */
const timeoutMs = 5_000;

/** Resolves with the exit code: 0 if the mock at `url` is ready. */
export async function health(url: string): Promise<number> {
  try {
    const status = await statusOf(`${url.replace(/\/+$/, "")}/readyz`);
    if (status === 200) return 0;
    process.stderr.write(`not ready: ${url} answered ${status}\n`);
  } catch (error) {
    process.stderr.write(`not ready: ${url}: ${(error as Error).message}\n`);
  }
  return 1;
}

async function statusOf(url: string): Promise<number | undefined> {
  const signal = AbortSignal.timeout(timeoutMs);
  const { get } = url.startsWith("https:") ? await import("node:https") : await import("node:http");
  return new Promise((resolve, reject) => {
    // Whose certificate it is does not matter: a probe says nothing that is secret, and asks by address.
    const request = get(url, { signal, rejectUnauthorized: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on("error", (error) => reject(signal.aborted ? signal.reason : error));
  });
}
