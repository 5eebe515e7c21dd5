/** Puts something of ours around the handlers of a Connect router, which stay what they are otherwise. */
import type { ConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler, UniversalHandlerFn } from "@connectrpc/connect/protocol";

/** Where `wrap` returns undefined, the handler is left alone. */
export function wrapHandlers(
  router: ConnectRouter,
  wrap: (handler: UniversalHandler) => UniversalHandlerFn | undefined,
): void {
  for (const [index, handler] of router.handlers.entries()) {
    const wrapped = wrap(handler);
    if (wrapped !== undefined) router.handlers[index] = Object.assign(wrapped, handler);
  }
}
