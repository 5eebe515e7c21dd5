/** connect-web in a page of Debian's Chromium, in the ways in which its users set it up. */
import { readFileSync } from "node:fs";
import { codeFromString, codeToHttpStatus } from "@connectrpc/connect/protocol-connect";
import { expect } from "vitest";
import { browserVersion, missingBrowser } from "../../support/chromium.ts";
import { type ClientKind, type Outcome, userBearer, type Wire } from "../client.ts";
import { endBrowser, openTab } from "./browser.ts";
import type { Answer, Setting } from "./page.ts";

const manifest = new URL("../../../node_modules/@connectrpc/connect-web/package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };

interface Way extends Setting {
  /** Without the version of HTTP, which is the mock's to choose. */
  readonly carries: readonly string[];
}

const ways: readonly Way[] = [
  { protocol: "connect", carries: ["Connect JSON"] },
  {
    protocol: "connect",
    useBinaryFormat: true,
    useHttpGet: true,
    carries: ["Connect binary with GET", "Connect binary"],
  },
  { protocol: "grpc-web", carries: ["gRPC-Web"] },
];

/** @param httpVersion 2 is for a mock that speaks TLS: browsers speak it with no other */
export const chromiumKinds = (httpVersion: "1.1" | "2"): readonly ClientKind[] =>
  ways.map((way) => kindOf(way, httpVersion));

function kindOf({ carries, ...setting }: Way, httpVersion: "1.1" | "2"): ClientKind {
  return {
    name: `connect-web ${version} in Chromium ${browserVersion ?? "(absent)"}`,
    setting: carries[0] ?? "",
    userAgent: /^Mozilla\/5\.0 .* HeadlessChrome\//,
    speaks: carries.map((wire) => `${wire}, HTTP/${httpVersion}` as Wire),
    missing: missingBrowser,
    async open(url) {
      const tab = await openTab();
      await tab.do("setUp", `${url}/api`, setting);
      const failures: string[] = [];
      return {
        async call(rpc, request, bearer = userBearer) {
          const answer = await tab.do("call", rpc, request, { authorization: `Bearer ${bearer}` });
          if (answer.error && setting.protocol === "connect") failures.push(statusOf(answer.error.code));
          return outcomeOf(answer);
        },
        async watch(request) {
          const watch = await tab.do("watch", request, { authorization: `Bearer ${userBearer}` });
          return {
            next: (count) => tab.do("next", watch, count),
            async end() {
              await tab.do("leave", watch);
              expect(await tab.do("ended", watch)).toMatch(/^canceled: /);
            },
          };
        },
        async close() {
          // Chromium complains of each answer with an error's status, and must not of anything else.
          const complaints = () => tab.complaints.map((text) => /status of (\d+)/.exec(text)?.[1] ?? text);
          await expect.poll(complaints, { timeout: 10_000 }).toEqual(failures);
          await tab.close();
        },
      };
    },
    end: endBrowser,
  };
}

const statusOf = (code: string) => String(codeToHttpStatus(codeFromString(code) ?? 2));

function outcomeOf({ reply, error }: Answer): Outcome {
  if (error) return { error };
  if (reply === undefined) throw new Error("the page has neither a reply nor an error");
  return { reply };
}
