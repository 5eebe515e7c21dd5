/**
 * The built page in a tab of Debian's Chromium, and the mock that it looks into. A tab must not complain of anything that
 * the test does not expect, and ask nothing of any other origin.
 */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { test as base, expect } from "vitest";
import { type HostTime, systemTime } from "../../src/clock.ts";
import type { RunnerMockOptions } from "../../src/options.ts";
import { launchBrowser, missingBrowser } from "../support/chromium.ts";
import { bugsIn, openMock, type TestMock } from "../support/mock.ts";

let launched: Promise<Browser> | undefined;

/** Ends the browser; the next tab starts another. */
export async function endBrowser(): Promise<void> {
  const ending = launched;
  launched = undefined;
  await (await ending)?.close();
}

export interface Look {
  /** Opens the page of a mock. */
  at(mock: TestMock, options?: LookOptions): Promise<Page>;
  /** Says what tabs may complain of: a part of the text. */
  expects(complaint: string): unknown;
}

interface LookOptions extends BrowserContextOptions {
  readonly path?: string;
}

type Start = (options?: RunnerMockOptions, time?: HostTime) => Promise<TestMock>;

export const test = base.extend<{ start: Start; mock: TestMock; look: Look }>({
  /** Starts a mock in the machine's time: the page is told of changes some times a second. */
  start: async ({ skip }, use) => {
    skip(missingBrowser !== undefined, missingBrowser);
    const mocks: TestMock[] = [];
    await use(async (options = {}, time = systemTime) => {
      const mock = await openMock({ controlPort: 0, ...options }, time);
      mocks.push(mock);
      return mock;
    });
    await Promise.all(mocks.map((mock) => mock.close()));
    expect(mocks.flatMap(bugsIn)).toEqual([]);
  },
  /** A mock whose default world stands still until it is moved. */
  mock: async ({ start }, use) => {
    const mock = await start();
    await mock.clock.freeze();
    await use(mock);
  },
  /** After `start`, so that tabs are closed before the mocks that they look into are. */
  look: async ({ start: _ }, use) => {
    const complaints: string[] = [];
    const expected: string[] = [];
    const pages: Page[] = [];
    const at: Look["at"] = async (mock, { path = "/", ...options } = {}) => {
      launched ??= launchBrowser();
      const context = await (await launched).newContext({
        viewport: { width: 1280, height: 800 },
        ...options,
      });
      const page = await context.newPage();
      pages.push(page);
      page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("request", (request) => {
        if (!request.url().startsWith(`${mock.controlUrl}/`)) complaints.push(`asked ${request.url()}`);
      });
      await page.goto(`${mock.controlUrl}${path}`);
      return page;
    };
    await use({ at, expects: (complaint) => expected.push(complaint) });
    for (const page of pages) await page.context().close();
    const unexpected = complaints.filter((text) => !expected.some((part) => text.includes(part)));
    expect(unexpected).toEqual([]);
  },
});
