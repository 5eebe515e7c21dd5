/** Which world is looked into. */
import { open } from "../state/dialog.ts";
import { switchTo, world, worlds } from "../state/worlds.ts";
import { Choice, optionsOf } from "./fields.tsx";

export function WorldBar() {
  const names = new Set([...worlds.value.map(({ name }) => name), world.value]);
  return (
    <div class="world">
      <Choice name="world" label="World" value={world.value} onChoose={switchTo}>
        {optionsOf([...names].sort())}
      </Choice>
      <button type="button" onClick={() => open({ kind: "world" })}>
        State and worlds…
      </button>
    </div>
  );
}
