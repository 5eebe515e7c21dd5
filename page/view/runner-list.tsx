/** The runners of the world as a live table. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { useComputed, useSignal } from "@preact/signals";
import type { RegisteredRunner } from "../../src/gen/runnermock/v1/control_pb.ts";
import { nowMs } from "../state/clock.ts";
import { open } from "../state/dialog.ts";
import { idOf, leaseMs, runners } from "../state/runners.ts";
import { apiUrl } from "../state/worlds.ts";
import { phaseOf, providerOf, regionOf, span, tokenCountOf, tokensOf } from "../words.ts";
import { Find } from "./fields.tsx";
import { type Column, VirtualTable } from "./virtual-table.tsx";

const columns: readonly Column<RegisteredRunner>[] = [
  {
    name: "Name",
    id: "name",
    cell: (item) => (
      <button type="button" class="link" onClick={() => open({ kind: "runner", runnerId: idOf(item) })}>
        {item.runner?.name || idOf(item)}
      </button>
    ),
  },
  {
    name: "Phase",
    id: "phase",
    cell: (item) => <span class={`phase ${phaseOf(item)}`}>{phaseOf(item)}</span>,
  },
  { name: "Provider", id: "provider", cell: providerOf },
  { name: "Region", id: "region", cell: regionOf },
  { name: "Lease", id: "lease", cell: (item) => <Lease runner={item} /> },
  { name: "Tokens", id: "tokens", cell: (item) => <span title={tokensOf(item)}>{tokenCountOf(item)}</span> },
];

export function RunnerList() {
  const words = useSignal("");
  const showsLapsed = useSignal(true);
  const shown = useComputed(() => {
    const wanted = words.value.toLowerCase();
    return runners.value.filter(
      (item) => (showsLapsed.value || !item.lapsed) && (wanted === "" || textOf(item).includes(wanted)),
    );
  });
  return (
    <section class="runners" aria-labelledby="runners-title">
      <header>
        <h2 id="runners-title">
          Runners <span class="count">{shown.value.length.toLocaleString("en")}</span>
        </h2>
        <Find label="Find runners" words={words} />
        <label>
          <input
            type="checkbox"
            checked={showsLapsed.value}
            onChange={({ currentTarget }) => {
              showsLapsed.value = currentTarget.checked;
            }}
          />{" "}
          lapsed, too
        </label>
      </header>
      <VirtualTable
        label="Runners"
        columns={columns}
        items={shown.value}
        idOf={idOf}
        classOf={({ lapsed }) => (lapsed ? "lapsed" : "")}
        empty={runners.value.length > 0 ? <p>No runner matches.</p> : <FirstSteps />}
      />
    </section>
  );
}

const textOf = (item: RegisteredRunner) =>
  [item.runner?.name, idOf(item), phaseOf(item), providerOf(item), regionOf(item)].join(" ").toLowerCase();

/** How much is left of a lease. It drains by the world's time. */
function Lease({ runner: { leaseEndsAt, lapsed } }: { runner: RegisteredRunner }) {
  if (leaseEndsAt === undefined) return <>{lapsed ? "lapsed" : "no end"}</>;
  const leftMs = Math.max(0, timestampMs(leaseEndsAt) - (nowMs.value ?? 0));
  return (
    <>
      <meter
        aria-label="Lease left"
        min={0}
        max={leaseMs.value}
        low={leaseMs.value / 3}
        value={Math.min(leftMs, leaseMs.value)}
      />{" "}
      {span(leftMs)}
    </>
  );
}

function FirstSteps() {
  const url = `${apiUrl.value}/gitpod.v1.RunnerService/CreateRunner`;
  return (
    <>
      <p>No runners yet. Create one, with an SDK or like this:</p>
      <pre>{`curl ${url} \\
  -H 'Content-Type: application/json' \\
  -d '{"name": "My Runner", "provider": "RUNNER_PROVIDER_AWS_EC2"}'`}</pre>
    </>
  );
}
