/** Which world is looked into. */
import { open } from "../state/dialog.ts";
import { switchTo, world, worlds } from "../state/worlds.ts";

export function WorldBar() {
  const names = new Set([...worlds.value.map(({ name }) => name), world.value]);
  return (
    <div class="world">
      <label>
        World{" "}
        <select value={world.value} onChange={({ currentTarget }) => switchTo(currentTarget.value)}>
          {[...names].sort().map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <button type="button" onClick={() => open({ kind: "world" })}>
        State and worlds…
      </button>
    </div>
  );
}
