/** The script of the page, as its users' bundlers make one: connect-web and our generated messages in one file. */
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

export async function bundlePage(): Promise<string> {
  const { output } = await build({
    input: fileURLToPath(new URL("page.ts", import.meta.url)),
    platform: "browser",
    write: false,
  });
  return output[0].code;
}
