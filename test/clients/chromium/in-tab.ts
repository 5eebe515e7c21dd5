/** A tab per test, which must not complain of anything that the test does not expect. */
import { expect } from "vitest";
import type { RunnerMockOptions } from "../../../src/options.ts";
import { certificate } from "../../support/certificates.ts";
import { missingBrowser } from "../../support/chromium.ts";
import { type StartMock, test as withMock } from "../../support/mock.ts";
import { openTab, type Tab } from "./browser.ts";
import type { Setting } from "./page.ts";

interface TestTab extends Tab {
  /** Says what the browser will complain of next: a part of the text. */
  expects(complaint: string): void;
}

export const test = withMock.extend<{ tab: TestTab }>({
  tab: async ({ skip }, use) => {
    skip(missingBrowser !== undefined, missingBrowser);
    const tab = await openTab();
    const expected: unknown[] = [];
    await use({ ...tab, expects: (complaint) => expected.push(expect.stringContaining(complaint)) });
    await expect.poll(() => tab.complaints, { timeout: 10_000 }).toEqual(expected);
    await tab.close();
  },
});

/** How the browser says that an answer had an error's status. */
export const failedWith = (status: number) => `the server responded with a status of ${status}`;

export const settings: readonly [Setting["protocol"], Setting][] = [
  ["connect", { protocol: "connect" }],
  ["grpc-web", { protocol: "grpc-web" }],
];

/** A mock that speaks TLS, with a certificate that nobody has signed. */
export async function startSecure(start: StartMock, options?: RunnerMockOptions) {
  const { cert, key } = await certificate();
  return start({ ...options, tlsCert: cert, tlsKey: key });
}
