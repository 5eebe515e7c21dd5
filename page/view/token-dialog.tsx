/** Asks for the control service's token, where it has one. */
import { connection } from "../state/connection.ts";
import { bearer, setBearer } from "../state/control.ts";
import { Dialog } from "./dialog.tsx";
import { submitting, textIn } from "./form.ts";

export function TokenDialog() {
  if (connection.value !== "locked") return null;
  return (
    <Dialog title="Token" closable={false}>
      <form onSubmit={submitting((form) => setBearer(textIn(form, "token")))}>
        <p>
          The control service asks for a bearer token: the one of <code>--control-token</code>, or else, with{" "}
          <code>--auth required</code>, one that is configured. It is kept until this tab is closed.
        </p>
        <label>
          Token <input name="token" type="password" autocomplete="off" required />
        </label>
        <button type="submit">Open</button>
        <p role="alert">{bearer.value === "" ? "" : "This token was refused."}</p>
      </form>
    </Dialog>
  );
}
