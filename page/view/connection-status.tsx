/** Whether the server is there. It is read out when that changes. */
import { backSince, type Connection, connection } from "../state/connection.ts";
import { world } from "../state/worlds.ts";

const texts: Readonly<Record<Connection, () => string>> = {
  connecting: () => "Connecting…",
  connected: () =>
    backSince.value === undefined
      ? "Connected"
      : `Connected again since ${backSince.value.toLocaleTimeString()}`,
  lost: () => "Lost the server. Trying again each second.",
  absent: () => `There is no world ${world.value} yet: it comes with its first call.`,
  locked: () => "The control service asks for a token.",
};

export function ConnectionStatus() {
  return (
    <p class={`connection ${connection.value}`} role="status" aria-live="assertive">
      {texts[connection.value]()}
    </p>
  );
}
