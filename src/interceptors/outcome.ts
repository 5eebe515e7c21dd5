/** Learning how a call ends, be it answered at once or by a stream that ends later. */
import type { StreamResponse, UnaryResponse } from "@connectrpc/connect";

type Response = UnaryResponse | StreamResponse;

/**
 * The response of `answer`; `ended` is called once, when it has been given in full, has failed or was left by
 * the client. What `ended` returns for an error is thrown in its place.
 */
export async function withOutcome<R extends Response>(
  answer: () => Promise<R>,
  ended: (error: unknown) => unknown,
): Promise<R> {
  let response: R;
  try {
    response = await answer();
  } catch (error) {
    throw ended(error);
  }
  if (response.stream) return { ...response, message: watched(response.message, ended) };
  ended(undefined);
  return response;
}

async function* watched<T>(messages: AsyncIterable<T>, ended: (error: unknown) => unknown) {
  let outcome: unknown;
  try {
    yield* messages;
  } catch (error) {
    outcome = error;
  } finally {
    outcome = ended(outcome);
  }
  if (outcome !== undefined) throw outcome;
}
