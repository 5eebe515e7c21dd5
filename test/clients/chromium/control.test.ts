/** What a web page can do to the control service: nothing, whatever it tries. */
import { afterAll, describe, expect } from "vitest";
import { ControlService } from "../../../src/gen/runnermock/v1/control_pb.ts";
import { startMs } from "../../support/mock.ts";
import { endBrowser } from "./browser.ts";
import { failedWith, settings, test } from "./in-tab.ts";

const advance = `/${ControlService.typeName}/AdvanceClock`;
const hour = { by: "3600s" };

afterAll(endBrowser);

describe("a page of another origin", () => {
  test.for(settings)("cannot call it over %s", async ([, setting], { start, tab }) => {
    const mock = await start({ controlPort: 0 });
    await tab.do("setUp", mock.controlUrl ?? "", setting);
    expect(await tab.do("call", "ControlService/AdvanceClock", hour)).toMatchObject({
      error: { code: "unknown", message: "Failed to fetch" },
    });
    tab.expects("has been blocked by CORS policy: Response to preflight request doesn't pass");
    tab.expects("net::ERR_FAILED");
    expect(mock.clock.nowMs()).toBe(startMs);
  });

  test("cannot send it anything that it need not ask about first", async ({ start, tab }) => {
    const mock = await start({ controlPort: 0 });
    const answer = await tab.page.evaluate(
      async ([url, body]) => {
        const response = await fetch(url, { method: "POST", mode: "no-cors", body });
        return [response.type, response.status, await response.text()];
      },
      [mock.controlUrl + advance, JSON.stringify(hour)] as const,
    );
    expect(answer).toEqual(["opaque", 0, ""]);
    tab.expects(failedWith(403));
    expect(mock.clock.nowMs()).toBe(startMs);
  });

  test("cannot go there with a form", async ({ start, tab }) => {
    const mock = await start({ controlPort: 0 });
    const { page } = tab;
    const field = `<input name='{"by":"3600s","world":"' value='"}'>`;
    const target = `action="${mock.controlUrl}${advance}" target="there"`;
    await page.setContent(
      `<form method="post" enctype="text/plain" ${target}>${field}<button>Go</button></form><iframe name="there"></iframe>`,
    );
    const [response] = await Promise.all([page.waitForResponse(/AdvanceClock/), page.click("button")]);
    expect([response.status(), await response.json()]).toMatchObject([403, { code: "permission_denied" }]);
    tab.expects(failedWith(403));
    expect(mock.clock.nowMs()).toBe(startMs);
  });

  test("cannot read it with GET", async ({ start, tab }) => {
    const mock = await start({ controlPort: 0 });
    const url = `${mock.controlUrl}/${ControlService.typeName}/GetClock?encoding=json&message=%7B%7D`;
    const read = tab.page.evaluate((url) => fetch(url).then((response) => response.text()), url);
    await expect(read).rejects.toThrow("Failed to fetch");
    tab.expects("has been blocked by CORS policy");
    tab.expects("net::ERR_FAILED");
  });
});

test("a name that was pointed at this machine does not make a page its own", async ({ start, tab }) => {
  const mock = await start({ controlPort: 0 });
  const { port } = new URL(mock.controlUrl ?? "");
  await tab.page.setContent(`<iframe src="http://rebound.test:${port}/"></iframe>`);
  tab.expects(failedWith(403));
  const frame = tab.page.frames()[1];
  const answer = await frame?.evaluate(
    async ([url, body]) => {
      const headers = { "content-type": "application/json" };
      const response = await fetch(url, { method: "POST", headers, body });
      return { status: response.status, answer: await response.json() };
    },
    [advance, JSON.stringify(hour)] as const,
  );
  expect(answer).toMatchObject({ status: 403, answer: { code: "permission_denied" } });
  tab.expects(failedWith(403));
  expect(mock.clock.nowMs()).toBe(startMs);
});
