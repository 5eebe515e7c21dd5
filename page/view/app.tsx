/** The whole page. */
import { dialog } from "../state/dialog.ts";
import { CallDialog } from "./call-dialog.tsx";
import { CallList } from "./call-list.tsx";
import { ClockBar } from "./clock-bar.tsx";
import { ConnectionStatus } from "./connection-status.tsx";
import { FaultDialog } from "./fault-dialog.tsx";
import { FaultList } from "./fault-list.tsx";
import { RunnerDialog } from "./runner-dialog.tsx";
import { RunnerList } from "./runner-list.tsx";
import { TokenDialog } from "./token-dialog.tsx";
import { WorldBar } from "./world-bar.tsx";
import { WorldDialog } from "./world-dialog.tsx";

export function App() {
  return (
    <>
      <header class="bar">
        <h1>gitpod-runner-mock</h1>
        <WorldBar />
        <ClockBar />
        <ConnectionStatus />
      </header>
      <main>
        <RunnerList />
        <FaultList />
        <CallList />
      </main>
      <Dialogs />
    </>
  );
}

function Dialogs() {
  const shown = dialog.value;
  switch (shown?.kind) {
    case "call":
      return <CallDialog call={shown.call} />;
    case "runner":
      return <RunnerDialog runnerId={shown.runnerId} />;
    case "fault":
      return <FaultDialog />;
    case "world":
      return <WorldDialog />;
    default:
      return <TokenDialog />;
  }
}
