/**
 * One headless Chromium for all tabs, started with the first of them, and the web server whose page they show: at
 * another origin than any mock, so that whatever the page calls is cross-origin.
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { launchBrowser } from "../../support/chromium.ts";
import { bundlePage } from "./bundle.ts";
import type { InPage } from "./page.ts";

const html = `<!doctype html>
<title>A page of another origin</title>
<link rel="icon" href="data:,">
<script type="module" src="/page.js"></script>
`;

export interface Tab {
  readonly page: Page;
  /** The errors that the console shows, and those that nobody caught. */
  readonly complaints: readonly string[];
  /** Lets the page do one of the things that it can. */
  do<Name extends keyof InPage>(
    name: Name,
    ...given: Parameters<InPage[Name]>
  ): Promise<Awaited<ReturnType<InPage[Name]>>>;
  close(): Promise<void>;
}

interface Started {
  readonly browser: Browser;
  readonly server: Server;
  readonly url: string;
}

let started: Promise<Started> | undefined;

async function start(): Promise<Started> {
  const [browser, script] = await Promise.all([launchBrowser(), bundlePage()]);
  const server = createServer((request, response) => {
    const [type, body] = request.url === "/page.js" ? ["text/javascript", script] : ["text/html", html];
    response.writeHead(200, { "content-type": `${type}; charset=utf-8` }).end(body);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { browser, server, url: `http://localhost:${(server.address() as AddressInfo).port}/` };
}

/** A tab that shows the page and shares nothing with other tabs. */
export async function openTab(): Promise<Tab> {
  started ??= start();
  const { browser, url } = await started;
  const context = await browser.newContext();
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(url);
  return {
    page,
    complaints,
    do: (name, ...given) =>
      page.evaluate(
        // biome-ignore lint/suspicious/noExplicitAny: that the two fit together was seen to above
        ([name, given]: any) => (globalThis.inPage as any)[name](...given),
        [name, given],
      ) as never,
    close: () => context.close(),
  };
}

/** Ends the browser; the next tab starts another. */
export async function endBrowser(): Promise<void> {
  const ending = started;
  started = undefined;
  if (ending === undefined) return;
  const { browser, server } = await ending;
  await browser.close();
  server.close();
  server.closeAllConnections();
}
