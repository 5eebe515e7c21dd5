/** A page to look inside: what is in a world of the mock, as it happens, and what can be done to it. */
import { render } from "preact";
import { follow } from "./state/follow.ts";
import { App } from "./view/app.tsx";

const root = document.getElementById("app");
if (root !== null) {
  render(<App />, root);
  follow();
}
