/** The world's time, and what moves it. */
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { frozen, hearClock, nowMs } from "../state/clock.ts";
import { control } from "../state/control.ts";
import { attempt } from "../state/dialog.ts";
import { world } from "../state/worlds.ts";
import { moment } from "../words.ts";

type Clocked = { readonly clock?: Parameters<typeof hearClock>[0] };

const move = (call: () => Promise<Clocked>) => () => attempt(async () => hearClock((await call()).clock));

const advance = (ms: number) =>
  move(() => control.advanceClock({ world: world.value, by: durationFromMs(ms) }));

export function ClockBar() {
  return (
    <fieldset class="clock">
      <legend class="unseen">Time of the world</legend>
      <Time />
      {frozen.value ? (
        <button type="button" onClick={move(() => control.resumeClock({ world: world.value }))}>
          Run
        </button>
      ) : (
        <button type="button" onClick={move(() => control.freezeClock({ world: world.value }))}>
          Pause
        </button>
      )}
      <button type="button" onClick={advance(30_000)}>
        <span class="unseen">Advance by </span>+30 s
      </button>
      <button type="button" onClick={advance(86_400_000)}>
        <span class="unseen">Advance by </span>+24 h
      </button>
    </fieldset>
  );
}

/** On its own, as it changes all the time. */
function Time() {
  const ms = nowMs.value;
  if (ms === undefined) return <span class="time">no time yet</span>;
  return (
    <time class="time" dateTime={new Date(ms).toISOString()}>
      {moment(ms)} UTC{frozen.value ? ", paused" : ""}
    </time>
  );
}
