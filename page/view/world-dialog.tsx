/** State to save and load by file, and worlds to make, reset and remove. */
import { useSignal } from "@preact/signals";
import { control } from "../state/control.ts";
import { attempt } from "../state/dialog.ts";
import { defaultWorld, switchTo, world } from "../state/worlds.ts";
import { Dialog } from "./dialog.tsx";
import { Choice, optionsOf } from "./fields.tsx";
import { submitting, textIn } from "./form.ts";

const profiles = ["documented", "observed", "permissive"];

export function WorldDialog() {
  const done = useSignal("");
  /** Does it, and says that it has been done. */
  const doing = async (said: string, run: () => Promise<unknown>) => {
    done.value = "";
    if (await attempt(run)) done.value = said;
  };
  const name = world.value;
  const load = (form: FormData) =>
    doing("Loaded.", async () => {
      const document = await (form.get("file") as File).text();
      const add = form.get("add") !== null;
      await control.loadState({ world: name, source: { case: "document", value: document }, add });
    });
  const make = (form: FormData) =>
    doing("Made.", async () => {
      const made = textIn(form, "name");
      await control.createWorld({ world: made, profile: textIn(form, "profile") });
      switchTo(made);
    });
  const remove = () =>
    doing("Removed.", async () => {
      await control.deleteWorld({ world: name });
      switchTo(defaultWorld);
    });
  return (
    <Dialog title={`World ${name}`}>
      <h3>State</h3>
      <p class="actions">
        <button type="button" onClick={() => doing("Saved.", () => save(name))}>
          Save to a file
        </button>
      </p>
      <form onSubmit={submitting(load)}>
        <label>
          State document, YAML or JSON <input name="file" type="file" accept=".yaml,.yml,.json" required />
        </label>
        <label>
          <input name="add" type="checkbox" /> add it to what there is; otherwise it replaces it
        </label>
        <button type="submit">Load</button>
      </form>
      <h3>This world</h3>
      <p class="actions">
        <button type="button" onClick={() => doing("Reset.", () => control.reset({ world: name }))}>
          Reset
        </button>
        {name !== defaultWorld && (
          <button type="button" onClick={remove}>
            Delete
          </button>
        )}
      </p>
      <h3>Another world</h3>
      <form onSubmit={submitting(make)}>
        <label>
          Name <input name="name" required pattern="[a-z0-9][a-z0-9._\-]{0,62}" title="a-z, 0-9, . _ and -" />
        </label>
        <Choice name="profile" label="Profile">
          <option value="">the server's</option>
          {optionsOf(profiles)}
        </Choice>
        <button type="submit">Make</button>
      </form>
      <p role="status">{done.value}</p>
    </Dialog>
  );
}

async function save(name: string): Promise<void> {
  const { document: text } = await control.saveState({ world: name });
  const url = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${name}.yaml`;
  link.click();
  URL.revokeObjectURL(url);
}
