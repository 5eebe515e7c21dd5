/** The faults of the world. */
import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Fault } from "../../src/gen/runnermock/v1/control_pb.ts";
import { control } from "../state/control.ts";
import { attempt, open } from "../state/dialog.ts";
import { faults, readFaults } from "../state/faults.ts";
import { world } from "../state/worlds.ts";
import { span } from "../words.ts";
import { Scrollable } from "./scrollable.tsx";

export function FaultList() {
  return (
    <section class="faults" aria-labelledby="faults-title">
      <header>
        <h2 id="faults-title">
          Faults <span class="count">{faults.value.length}</span>
        </h2>
        <button type="button" onClick={() => open({ kind: "fault" })}>
          Add a fault…
        </button>
        {faults.value.length > 1 && (
          <button type="button" onClick={changing(() => control.clearFaults({ world: world.value }))}>
            Remove all
          </button>
        )}
      </header>
      {faults.value.length > 0 && (
        <Scrollable label="Faults">
          <table aria-label="Faults">
            <thead>
              <tr>
                <th scope="col">Calls</th>
                <th scope="col">What becomes of them</th>
                <th scope="col" class="fired">
                  Fired
                </th>
                <th scope="col" class="remove">
                  <span class="unseen">Remove</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {faults.value.map((fault) => (
                <Row key={fault.faultId} fault={fault} />
              ))}
            </tbody>
          </table>
        </Scrollable>
      )}
    </section>
  );
}

function Row({ fault }: { fault: Fault }) {
  const { faultId, fired } = fault;
  return (
    <tr>
      <td>{callsOf(fault)}</td>
      <td>{effectOf(fault)}</td>
      <td>{fired}</td>
      <td>
        <button
          type="button"
          aria-label={`Remove ${faultId}`}
          onClick={changing(() => control.removeFault({ world: world.value, faultId }))}
        >
          Remove
        </button>
      </td>
    </tr>
  );
}

const changing = (run: () => Promise<unknown>) => () =>
  attempt(async () => {
    await run();
    await readFaults();
  });

function callsOf({ match }: Fault): string {
  const { rpc = "", runnerId = "", callerId = "", nth = 0, count = 0, probability } = match ?? {};
  const said = [rpc === "" ? "all" : rpc.slice(rpc.indexOf("/") + 1)];
  if (runnerId !== "") said.push(`of runner ${runnerId}`);
  if (callerId !== "") said.push(`by ${callerId}`);
  if (nth > 1) said.push(`from number ${nth} on`);
  if (count > 0) said.push(`${count} times`);
  if (probability !== undefined) said.push(`with probability ${probability}`);
  return said.join(", ");
}

function effectOf({ effect, delay }: Fault): string {
  const wait = delay === undefined ? [] : [`wait ${span(durationMs(delay))}`];
  return [...wait, ...nameOf(effect)].join(", ");
}

function nameOf(effect: Fault["effect"]): string[] {
  switch (effect.case) {
    case undefined:
      return [];
    case "error":
      return [`fail: ${effect.value.code}${effect.value.message && ` (${effect.value.message})`}`];
    case "pageCap":
      return [`pages of ${effect.value.size}`];
    case "redirect":
      return [`sent to ${effect.value.location}`];
    case "cutStream":
      return [`stream cut after ${effect.value.after}`];
    default:
      return [effects[effect.case]];
  }
}

const effects = {
  emptyReply: "empty reply",
  miss: "not there yet after a write",
  repeatedPageToken: "the same page token again",
  feedStream: "a message by hand",
  reset: "connection broken off",
  slowStream: "slow stream",
  repeatEvents: "events repeated",
  varyJson: "JSON written differently",
  newerSchema: "reply of a newer schema",
} as const;
