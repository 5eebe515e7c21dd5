/** The files of the page as `npm run build:page` makes them, and the headers that they are sent with. */
import { readdir, readFile } from "node:fs/promises";

/** The same place from sources, from the built package and from its bundle. */
const folder = new URL("../../dist/page/", import.meta.url);

/** It loads nothing, calls nothing and is shown in nothing but what comes from its own origin. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
};

interface PageFile {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

let files: Promise<ReadonlyMap<string, PageFile>> | undefined;

/** The file of that name; undefined: there is none, or nobody has built the page. */
export async function pageFile(name: string): Promise<PageFile | undefined> {
  files ??= readFiles().catch(() => {
    files = undefined;
    return new Map();
  });
  return (await files).get(name);
}

async function readFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const names = [
    "index.html",
    ...(await readdir(new URL("assets/", folder))).map((name) => `assets/${name}`),
  ];
  return new Map(await Promise.all(names.map(async (name) => [name, await read(name)] as const)));
}

async function read(name: string): Promise<PageFile> {
  const type = types[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream";
  return {
    body: await readFile(new URL(name, folder)),
    headers: {
      "content-type": type,
      // The names of the others change with what is in them.
      "cache-control": name === "index.html" ? "no-cache" : "public, max-age=31536000, immutable",
      "content-security-policy": contentSecurityPolicy,
      "cross-origin-resource-policy": "same-origin",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    },
  };
}
