/** Finding things on the page as those find them who look or listen: by role and name. */
import type { Page } from "playwright-core";

export const table = (page: Page, name: "Runners" | "Calls" | "Faults") => page.getByRole("table", { name });

/** The rows of a table that have the text. */
export const rows = (page: Page, name: "Runners" | "Calls" | "Faults", text: string) =>
  table(page, name).getByRole("row").filter({ hasText: text });

export const press = (page: Page, name: string | RegExp) =>
  page.getByRole("button", { name, exact: typeof name === "string" }).click();

/** Says whether the server is there. */
export const connection = (page: Page) => page.locator(".connection");
