/** Documents that have the right words in the wrong shape, and those that hide what must not be told. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished } from "vitest";
import { test } from "./support/mock.ts";

async function fileOf(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "shapes-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "document.yaml");
  await writeFile(file, text);
  return file;
}

describe("a state document is refused, with the place, for", () => {
  test.for([
    [
      "a list without its dash",
      "scm:\n  hosts:\n    host: a",
      /:2:3: scm\.hosts: expected a list, got \{ host: 'a' \}/,
    ],
    ["a list where there is one", "scm: [a]", /:1:1: scm: expected one value, got \[ 'a' \]/],
    [
      "a list in place of a text",
      "scm: { hosts: [{ host: [a] }] }",
      /scm\.hosts\[0\]\.host: expected one value/,
    ],
    [
      "a field in both spellings",
      "scm: { hosts: [{ host: a, url_form: SCM_URL_FORM_GITHUB, urlForm: SCM_URL_FORM_GITHUB }] }",
      /url_form: is given twice, in two spellings/,
    ],
    ["an alias of nothing", "scm: *nothing", /:1:\d+: .*nothing/],
    ["a tag that nobody knows", "scm: !secret {}", /:1:6: .*secret/],
    [
      "an organization twice",
      "scm: { hosts: [{ host: a, url_form: SCM_URL_FORM_GITHUB, organizations: [{ name: o }, { name: o }] }] }",
      /organizations\[1\]\.name: this one is there already/,
    ],
    [
      "an organization without a name",
      "scm: { hosts: [{ host: a, url_form: SCM_URL_FORM_GITHUB, organizations: [{ url: x }] }] }",
      /organizations\[0\]\.name: value is required/,
    ],
  ] as const)("%s", async ([, text, problem], { start }) => {
    const state = await fileOf(text);
    const error = await start({ state }).catch((reason) => reason);
    expect(error.name).toBe("OptionError");
    expect(error.message).toMatch(problem);
  });
});

test.for(["scm:", "gateways:", "{ scm: null, gateways: null }"])(
  "a section with nothing after it is one that is not there: %j",
  async (text, { start }) => {
    const mock = await start({ state: await fileOf(text) });
    expect((await mock.runner.parseContextURL({ contextUrl: "https://github.com/org/repo" })).git?.repo).toBe(
      "repo",
    );
  },
);

describe("an error about identities shows no token:", () => {
  test.for([
    ["a list at the top", "- token: hush-hush-1"],
    ["a text alone", "hush-hush-1"],
    ["a text in place of the list", "identities: hush-hush-1"],
    ["a text in place of an identity", "identities: [hush-hush-1]"],
    ["a token as a field", "identities: [{ hush-hush-1: x }]"],
    ["a token at the top", "hush-hush-1: x"],
    ["a token as an organization", "identities: [{ token: x, organization: hush-hush-1 }]"],
    ["a token as a principal", "identities: [{ token: x, principal: hush-hush-1 }]"],
    ["a token that looks like an alias", "identities: [{ token: *hush-hush-1 }]"],
    ["a token that looks like a tag", "identities: [{ token: !hush-hush-1 a }]"],
    ["a token in quotes with a wrong escape", 'identities: [{ token: "\\hush-hush-1" }]'],
  ] as const)("%s", async ([, text], { start }) => {
    const identities = await fileOf(text);
    const error = await start({ identities }).catch((reason) => reason);
    expect(error.name).toBe("OptionError");
    expect(error.message).not.toContain("hush");
    expect(error.message).toContain("document.yaml");
  });
});
