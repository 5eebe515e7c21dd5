/** Which dialog is open, and doing things that may be refused. */
import { ConnectError } from "@connectrpc/connect";
import { signal } from "@preact/signals";
import type { Call } from "../../src/gen/runnermock/v1/control_pb.ts";

export type OpenDialog =
  | { readonly kind: "call"; readonly call: Call }
  | { readonly kind: "runner"; readonly runnerId: string }
  | { readonly kind: "fault" }
  | { readonly kind: "world" };

export const dialog = signal<OpenDialog | undefined>(undefined);

/** Why what was asked for last was refused; empty: it was not. */
export const refusal = signal("");

export function open(next: OpenDialog | undefined): void {
  refusal.value = "";
  dialog.value = next;
}

/** Does it; says why if it is refused. Resolves with whether it was done. */
export async function attempt(run: () => Promise<unknown>): Promise<boolean> {
  refusal.value = "";
  try {
    await run();
    return true;
  } catch (error) {
    refusal.value = ConnectError.from(error).rawMessage;
    return false;
  }
}
