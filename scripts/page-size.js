/**
 * How much script a browser has to fetch for the page, compressed: more than the limit is a failure.
 *   npm run build:page
 */
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const limitBytes = 60_000;
const folder = new URL("../dist/page/assets/", import.meta.url);

const sizes = readdirSync(folder)
  .filter((name) => name.endsWith(".js"))
  .map((name) => gzipSync(readFileSync(new URL(name, folder)), { level: 9 }).length);
const bytes = sizes.reduce((sum, size) => sum + size, 0);
console.log(`page: ${bytes} bytes of script, gzipped, of ${limitBytes}`);
if (bytes > limitBytes) process.exitCode = 1;
