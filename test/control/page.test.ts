/** How the page is served: with a policy that lets nothing else in, and to nobody whom the control service refuses. */
import { request } from "node:http";
import { expect } from "vitest";
import { test } from "../support/control.ts";

test("the page comes with a policy that lets it load and call only what is its own", async ({ mock }) => {
  const response = await fetch(`${mock.controlUrl}/`);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  const policy = response.headers.get("content-security-policy")?.split("; ");
  expect(policy).toEqual([
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "cache-control": "no-cache",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
  const html = await response.text();
  // Neither script nor style is in it, and nothing is from elsewhere.
  expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=|https?:/);
});

test("its files are what their names say, and may be kept for ever", async ({ mock }) => {
  const html = await (await fetch(`${mock.controlUrl}/`)).text();
  const files = [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(([, file]) => file);
  const types = await Promise.all(
    files.map(async (file) => {
      const { status, headers } = await fetch(`${mock.controlUrl}/${file}`);
      expect(headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
      return `${status} ${headers.get("content-type")}`;
    }),
  );
  expect(types.sort()).toEqual(["200 text/css; charset=utf-8", "200 text/javascript; charset=utf-8"]);
});

test.for([
  "/assets/nothing.js",
  "/assets/..%2findex.html",
  "/assets/%2e%2e%2f%2e%2e%2fpackage.json",
  "/assets/",
])("there is nothing at %s", async (path, { mock }) => {
  expect((await fetch(mock.controlUrl + path)).status).toBe(404);
});

test("it is not at the API's address", async ({ mock }) => {
  expect((await fetch(`${mock.url}/`)).status).toBe(404);
});

test("a name that was pointed at this machine does not get it", async ({ mock }) => {
  const status = await new Promise((resolve, reject) => {
    const call = request(`${mock.controlUrl}/`, { headers: { host: "evil.example" } });
    call
      .on("response", (response) => resolve(response.resume().statusCode))
      .on("error", reject)
      .end();
  });
  expect(status).toBe(403);
});
