/** Looking at each message of a request, be it one or a stream, before anything is done with it. */
import type { DescMethod, Message } from "@bufbuild/protobuf";
import type { ContextValues, Interceptor } from "@connectrpc/connect";

/** What it throws refuses the call. */
export type Check = (message: Message, method: DescMethod, values: ContextValues) => void | Promise<void>;

export function checkEachMessage(check: Check): Interceptor {
  return (next) => (request) => {
    const { method, contextValues } = request;
    if (!request.stream) {
      const checking = check(request.message, method, contextValues);
      return checking ? checking.then(() => next(request)) : next(request);
    }
    const message = checked(request.message, (each) => check(each, method, contextValues));
    return next({ ...request, message });
  };
}

async function* checked<T extends Message>(
  messages: AsyncIterable<T>,
  check: (message: T) => void | Promise<void>,
) {
  for await (const message of messages) {
    await check(message);
    yield message;
  }
}
