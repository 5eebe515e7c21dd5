/** The calls as they happen. */
import { useComputed, useSignal } from "@preact/signals";
import type { Call } from "../../src/gen/runnermock/v1/control_pb.ts";
import { calls, heard, held, hold, waiting } from "../state/calls.ts";
import { open } from "../state/dialog.ts";
import { callerOf, codeOf, methodOf, spanOf, timeOfDay } from "../words.ts";
import { Find } from "./fields.tsx";
import { type Column, VirtualTable } from "./virtual-table.tsx";

const columns: readonly Column<Call>[] = [
  { name: "At", id: "at", cell: ({ at }) => timeOfDay(at) },
  {
    name: "Method",
    id: "method",
    cell: (call) => (
      <button type="button" class="link" title={call.rpc} onClick={() => open({ kind: "call", call })}>
        {methodOf(call)}
      </button>
    ),
  },
  { name: "Code", id: "code", cell: (call) => <span class={call.error && "failed"}>{codeOf(call)}</span> },
  { name: "Caller", id: "caller", cell: ({ caller }) => callerOf(caller) },
  { name: "Protocol", id: "protocol", cell: ({ protocol }) => protocol },
  { name: "Duration", id: "duration", cell: ({ duration }) => spanOf(duration) },
];

export function CallList() {
  const words = useSignal("");
  const shown = useComputed(() => {
    const wanted = words.value.toLowerCase();
    return wanted === "" ? calls.value : calls.value.filter((call) => textOf(call).includes(wanted));
  });
  return (
    <section class="calls" aria-labelledby="calls-title">
      <header>
        <h2 id="calls-title">
          Calls <span class="count">{heard.value.toLocaleString("en")}</span>
        </h2>
        <Find label="Find calls" words={words} />
        <button type="button" aria-pressed={held.value} onClick={() => hold(!held.value)}>
          Hold{held.value && waiting.value > 0 ? ` (${waiting.value.toLocaleString("en")} more)` : ""}
        </button>
      </header>
      <VirtualTable
        label="Calls"
        columns={columns}
        items={shown.value}
        idOf={({ callId }) => callId}
        empty={<p>No calls.</p>}
      />
    </section>
  );
}

const textOf = (call: Call) =>
  [call.rpc, codeOf(call), callerOf(call.caller), call.protocol].join(" ").toLowerCase();
