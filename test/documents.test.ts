/** The documents of --state and --identities: what they change, and how they are refused. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished } from "vitest";
import { GatewayService } from "../src/gen/gitpod/v1/gateway_pb.ts";
import { Principal } from "../src/gen/gitpod/v1/identity_pb.ts";
import { RunnerPhase } from "../src/gen/gitpod/v1/runner_pb.ts";
import type { IdentitiesJson } from "../src/gen/runnermock/v1/identities_pb.ts";
import type { StateJson } from "../src/gen/runnermock/v1/state_pb.ts";
import { OptionError } from "../src/options.ts";
import { test as onCommandLine } from "./support/command-line.ts";
import { type StartMock, type TestMock, test } from "./support/mock.ts";
import { post } from "./support/post.ts";
import { register } from "./support/registrations.ts";

/** A file with this content that is gone after the test. */
async function fileWith(content: string, name = "document.yaml"): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "documents-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const file = join(directory, name);
  await writeFile(file, content);
  return file;
}

/** What a mock knows from its state document. */
async function knownTo(mock: TestMock) {
  const { gateways } = await mock.client(GatewayService).listGateways({});
  const { runnerId } = await register(mock);
  await mock.runners.report(runnerId, { phase: RunnerPhase.ACTIVE });
  const { repositories } = await mock.runner.searchRepositories({ runnerId });
  return { gateways: gateways.map(({ url }) => url), repositories: repositories.map(({ url }) => url) };
}

const inObject: StateJson = {
  scm: {
    hosts: [
      {
        host: "git.example.com",
        urlForm: "SCM_URL_FORM_GITLAB",
        authenticated: true,
        repositories: [{ owner: "team", name: "app", defaultBranch: "develop" }],
      },
    ],
  },
  gateways: [{ name: "local", url: "https://gateway.example.com" }],
};
const inYaml = `# Ours.
scm:
  hosts:
    - host: git.example.com
      url_form: SCM_URL_FORM_GITLAB
      authenticated: true
      repositories: [{ owner: team, name: app, default_branch: develop }]
gateways:
  - { name: local, url: "https://gateway.example.com" }
`;
const ours = {
  gateways: ["https://gateway.example.com"],
  repositories: ["https://git.example.com/team/app"],
};

describe("a state document", () => {
  test.for([
    ["a YAML file", inYaml],
    ["a YAML file with the names of the schema in camelCase", inYaml.replace(/_(form|branch)/g, camelCased)],
    ["a YAML file with Windows' line ends", inYaml.replaceAll("\n", "\r\n")],
    ["a YAML file with anchors", inYaml.replace("host: ", "name: &git git.example.com\n      host: *git # ")],
    ["a JSON file", JSON.stringify(inObject)],
    ["a JSON file indented with tabs", JSON.stringify(inObject, null, "\t")],
  ] as const)("is read from %s", async ([, text], { start }) => {
    expect(await knownTo(await start({ state: await fileWith(text) }))).toEqual(ours);
  });

  test("is taken from an object, by both kinds of names", async ({ start }) => {
    expect(await knownTo(await start({ state: inObject }))).toEqual(ours);
    const snakeCased = JSON.parse(JSON.stringify(inObject).replace('"urlForm"', '"url_form"'));
    expect(await knownTo(await start({ state: snakeCased }))).toEqual(ours);
  });

  test.for([
    ["an empty file", ""],
    ["a file of comments", "# nothing yet\n\n"],
    ["a file that says null", "---\n~\n"],
    ["an empty JSON object", "{}"],
    ["a file with an empty list of gateways", "gateways: []\n"],
  ])("that says nothing changes nothing: %s", async ([, text = ""], { start }) => {
    const unchanged = await knownTo(await start());
    expect(await knownTo(await start({ state: await fileWith(text) }))).toEqual(unchanged);
    expect(unchanged.repositories).toContain("https://github.com/org/repo");
    expect(unchanged.gateways).toHaveLength(2);
  });

  test("keeps the default of what it leaves out", async ({ start }) => {
    const usual = await knownTo(await start());
    const { scm = {}, gateways = [] } = inObject;
    expect(await knownTo(await start({ state: { scm } }))).toEqual({
      ...usual,
      repositories: ours.repositories,
    });
    expect(await knownTo(await start({ state: { gateways } }))).toEqual({
      ...usual,
      gateways: ours.gateways,
    });
    expect(await knownTo(await start({ state: { scm: {} } }))).toEqual({ ...usual, repositories: [] });
  });
});

function camelCased(_: string, word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

describe("an identities document", () => {
  const identities: IdentitiesJson = { identities: [{ token: "ci-token", principal: "PRINCIPAL_ACCOUNT" }] };
  const principalOf = async (mock: TestMock) => {
    const url = `${mock.url}/gitpod.v1.IdentityService/GetAuthenticatedIdentity`;
    const { body } = await post(url, {}, { authorization: "Bearer ci-token" });
    return Principal[body.subject.principal] ?? body.subject.principal;
  };

  test.for([
    ["a YAML file", "identities:\n  - token: ci-token\n    principal: PRINCIPAL_ACCOUNT\n"],
    ["a JSON file", JSON.stringify(identities)],
  ])("is read from %s", async ([, text = ""], { start }) => {
    const mock = await start({ identities: await fileWith(text) });
    expect(await principalOf(mock)).toBe("PRINCIPAL_ACCOUNT");
  });

  test("is taken from an object", async ({ start }) => {
    expect(await principalOf(await start({ identities }))).toBe("PRINCIPAL_ACCOUNT");
  });

  test("that is empty changes nothing", async ({ start }) => {
    expect(await principalOf(await start({ identities: await fileWith("") }))).toBe("PRINCIPAL_USER");
  });
});

/** The message with which a mock refuses to start. */
async function refusalOf(start: StartMock, options: Parameters<StartMock>[0]): Promise<string> {
  const error = await start(options).catch((reason: unknown) => reason);
  if (!(error instanceof OptionError)) throw new Error("not refused, or not so", { cause: error });
  return error.message;
}

/** Takes out the sign that marks a place in a text; tells the text and the place's line and column. */
function marked(text: string): { text: string; place: string } {
  const [before = "", after] = text.split("▸");
  if (after === undefined) throw new Error("no place is marked");
  const lines = before.split("\n");
  return { text: before + after, place: `${lines.length}:${(lines.at(-1)?.length ?? 0) + 1}` };
}

const host = `scm:
  hosts:
    - host: git.example.com
      url_form: SCM_URL_FORM_GITHUB
`;
const urlForms =
  "SCM_URL_FORM_UNSPECIFIED, SCM_URL_FORM_GITHUB, SCM_URL_FORM_GITLAB, SCM_URL_FORM_BITBUCKET, SCM_URL_FORM_AZURE_DEVOPS";
const text = "a text (a number needs quotes)";

describe("a mistake in a state document is told with its place and path:", () => {
  const hosts = "scm.hosts[0]";
  const repository = `${host}      repositories:\n        - owner: team\n          name: app\n`;
  const inRepository = `${hosts}.repositories[0]`;

  test.for([
    ["an unknown section", "gateways: []\n▸hosts: []\n", "hosts: runnermock.v1.State has no such field"],
    ["an unknown field", `${host}      ▸hots: x\n`, `${hosts}.hots: runnermock.v1.ScmHost has no such field`],
    [
      "an unknown field in one line with others",
      "gateways:\n  - {name: a, url: b}\n  - {name: c, ▸uri: d}\n",
      "gateways[1].uri: gitpod.v1.Gateway has no such field",
    ],
    [
      "an unknown field in JSON",
      '{\n\t"gateways": [\n\t\t{ "name": "a", ▸"uri": "b" }\n\t]\n}\n',
      "gateways[0].uri: gitpod.v1.Gateway has no such field",
    ],
    ["no fields at all", "▸hello\n", 'expected fields and values, got "hello"'],
    ["a list", "# first\n\n▸- hello\n", "expected fields and values, got [ 'hello' ]"],
    ["a text where fields are needed", "▸scm: github\n", 'scm: expected fields and values, got "github"'],
    [
      "a text where true or false is needed",
      `${host}      ▸authenticated: "true"\n`,
      `${hosts}.authenticated: expected true or false, got "true"`,
    ],
    ["a number where a text is needed", `${host}      ▸name: 7\n`, `${hosts}.name: expected ${text}, got 7`],
    [
      "a tag that reads as a number",
      `${repository}          tags: [{ name: v1 }, { ▸name: 1.0 }]\n`,
      `${inRepository}.tags[1].name: expected ${text}, got 1`,
    ],
    [
      "a commit that reads as a number",
      `${repository}          commits:\n            - abcdef1\n            - ▸1234567\n`,
      `${inRepository}.commits[1]: expected ${text}, got 1234567`,
    ],
    [
      "an unknown enum name",
      `${host.replace("url_form: SCM_URL_FORM_GITHUB", "▸url_form: GITHUB")}`,
      `${hosts}.url_form: expected one of ${urlForms}, got "GITHUB"`,
    ],
    [
      "an unknown enum name under the name that JSON has",
      host.replace("url_form: SCM_URL_FORM_GITHUB", "▸urlForm: SCM_URL_FORM_GITEA"),
      `${hosts}.urlForm: expected one of ${urlForms}, got "SCM_URL_FORM_GITEA"`,
    ],
    [
      "an enum's number that has no name, under the name that JSON has",
      host.replace("url_form: SCM_URL_FORM_GITHUB", "▸urlForm: 99"),
      `${hosts}.url_form: value must be one of the defined enum values`,
    ],
    [
      "a host without its URL form",
      "scm:\n  hosts:\n    - ▸host: git.example.com\n",
      `${hosts}.url_form: must not be in list [0]`,
    ],
    [
      "a host that is a URL",
      host.replace("host: git.example.com", "▸host: https://git.example.com"),
      `${hosts}.host: does not match regex pattern \`^[^/]+$\``,
    ],
    [
      "a commit that is no hash",
      `${repository}          commits: [abcdef1, ▸ABCDEF2]\n`,
      `${inRepository}.commits[1]: does not match regex pattern \`^[0-9a-f]{7,64}$\``,
    ],
    [
      "a branch's commit that is no hash, in JSON",
      '{ "scm": { "hosts": [{ "host": "a", "urlForm": "SCM_URL_FORM_GITHUB", "repositories": [\n' +
        '  { "owner": "team", "name": "app", "branches": [{ "name": "main", ▸"commit": "HEAD" }] }\n]}]}}',
      `${inRepository}.branches[0].commit: does not match regex pattern \`^[0-9a-f]{7,64}$\``,
    ],
    [
      "a host that is there already, in another case",
      `${host}    - url_form: SCM_URL_FORM_GITLAB\n      ▸host: GIT.example.com\n`,
      "scm.hosts[1].host: this one is there already",
    ],
    [
      "a gateway that is there already",
      "gateways:\n  - {name: a, url: b}\n  - {name: c, url: b}\n  - {url: d, ▸name: a}\n",
      "gateways[2].name: this one is there already",
    ],
    ["a gateway without its URL", "gateways:\n  - ▸name: a\n", "gateways[0].url: value is required"],
    ["a key that is there twice", "gateways: []\n▸gateways: []\n", "Map keys must be unique"],
    [
      "a bracket that does not close",
      `${host}gateways: [\n▸`,
      /^Flow sequence in block collection must be .*/,
    ],
    ["a line at a wrong column", `${host}▸ gateways: []\n`, /^[A-Z].*column/],
    ["two documents", `gateways: []\n▸---\n${host}`, /^Source contains multiple documents/],
  ] as const)("%s", async ([, yaml, problem], { start }) => {
    const { text, place } = marked(yaml);
    const file = await fileWith(text);
    const message = await refusalOf(start, { state: file });
    const before = `option state: got ${JSON.stringify(file)}, takes a valid document: ${file}:${place}: `;
    expect(message.slice(0, before.length)).toBe(before);
    const told = message.slice(before.length);
    if (typeof problem === "string") expect(told).toBe(problem);
    else expect(told).toMatch(problem);
  });

  test("several at once, each with its place, but no more than five", async ({ start }) => {
    const file = await fileWith(`b: 1\ngateways:\n${"  - {nam: x, url: 5}\n".repeat(3)}a: 1\n`);
    const message = await refusalOf(start, { state: file });
    const told = message.split(`${file}:`).slice(1);
    expect(told.map((problem) => problem.replace(/; $/, ""))).toEqual([
      "1:1: b: runnermock.v1.State has no such field",
      ...[0, 1].flatMap((index) => [
        `${index + 3}:6: gateways[${index}].nam: gitpod.v1.Gateway has no such field`,
        `${index + 3}:14: gateways[${index}].url: expected ${text}, got 5`,
      ]),
    ]);
    const two = await fileWith("gateways:\n  - {}\n");
    expect(await refusalOf(start, { state: two })).toMatch(
      /:2:5: gateways\[0\]\.name: value is required; .*:2:5: gateways\[0\]\.url: value is required$/,
    );
  });

  test("in an object, by its path alone", async ({ start }) => {
    const gateways = [
      { name: "a", url: "b" },
      { name: "a", url: "c" },
    ];
    expect(await refusalOf(start, { state: { gateways } })).toBe(
      "option state: got an object, takes a valid document: gateways[1].name: this one is there already",
    );
    const misspelt = { gateway: [] } as StateJson;
    expect(await refusalOf(start, { state: misspelt })).toMatch(/: gateway: .* has no such field$/);
  });

  test("no such file, or none that can be read", async ({ start }) => {
    const directory = join(await fileWith(""), "..");
    for (const file of [join(directory, "nothing.yaml"), directory]) {
      const message = await refusalOf(start, { state: file });
      expect(message).toContain(`takes a valid document: ${file} cannot be read: E`);
    }
  });
});

describe("a mistake in an identities document is told with its place, and without the token:", () => {
  const token = "hush-hush";
  const pattern = "does not match regex pattern `^[^\\s](.*[^\\s])?$`";

  test.for([
    ["a number", "identities:\n  - ▸token: 123456789\n", `[0].token: expected ${text}, got something else`],
    [
      "fields in place of a token",
      `identities:\n  - ▸token: { secret: ${token} }\n`,
      `[0].token: expected ${text}, got something else`,
    ],
    ["a space at its end", `identities:\n  - name: a\n    ▸token: "${token} "\n`, `[0].token: ${pattern}`],
    ["several lines", `identities:\n  - ▸token: |\n      ${token}\n`, `[0].token: ${pattern}`],
    [
      "a token as the mock issues them",
      `identities:\n  - ▸token: rmock_${token}\n`,
      "[0]: token must not begin with rmock_: such tokens are the mock's own",
    ],
    [
      "a token that is there already",
      `identities: [{ token: ${token} }, { name: a, ▸token: ${token} }]\n`,
      "[1].token: this one is there already",
    ],
    [
      "something else that is wrong beside it",
      `identities:\n  - token: ${token}\n    ▸principle: PRINCIPAL_USER\n`,
      "[0].principle: runnermock.v1.Identity has no such field",
    ],
    ["an id that is none", `identities: [{ token: ${token}, ▸id: me }]\n`, "[0].id: must be a valid UUID"],
    ["an unclosed text", `identities:\n  - token: "${token}\n▸`, /^Missing closing/],
    ["a bad escape", `identities:\n  - token: "${token}▸\\q"\n`, /^Invalid escape sequence/],
    ["more on the line", `identities: [] ▸${token}\n`, /^Unexpected scalar/],
  ] as const)("%s", async ([, yaml, problem], { start }) => {
    const { text, place } = marked(yaml);
    const file = await fileWith(text);
    const message = await refusalOf(start, { identities: file });
    const before = `option identities: got ${JSON.stringify(file)}, takes a valid document: ${file}:${place}: `;
    expect(message.slice(0, before.length)).toBe(before);
    const told = message.slice(before.length);
    if (typeof problem === "string") expect(told).toBe(`identities${problem}`);
    else expect(told).toMatch(problem);
    expect(message).not.toMatch(/hush|123456789/);
  });
});

describe("on the command line", () => {
  const problem = "gateways[0].uri: gitpod.v1.Gateway has no such field";
  const broken = "gateways:\n  - name: local\n    uri: https://gateway.example.com\n";

  onCommandLine("--state FILE puts the file's gateways in place", async ({ commandLine }) => {
    const mock = await commandLine.serve(["--state", await fileWith(inYaml)]);
    const { body } = await post(`${mock.url}/gitpod.v1.GatewayService/ListGateways`, {});
    expect(body.gateways).toEqual([{ name: "local", url: "https://gateway.example.com" }]);
  });

  onCommandLine.for(["--state", "RUNNER_MOCK_STATE"])(
    "a broken file in %s ends the start with exit code 2 and a line that says where",
    async (way, { commandLine }) => {
      const file = await fileWith(broken);
      const { code, stdout, stderr } = way.startsWith("-")
        ? await commandLine.run([way, file])
        : await commandLine.run([], { [way]: file });
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr.trimEnd().split("\n")).toEqual([
        `error: ${way}: got "${file}", takes a valid document: ${file}:3:5: ${problem}`,
        "(--help lists everything)",
      ]);
    },
  );

  onCommandLine("a token in a broken identities file is not shown", async ({ commandLine }) => {
    const file = await fileWith("identities:\n  - token: hush-hush\n  - token: hush-hush\n");
    const { code, stdout, stderr } = await commandLine.run(["--identities", file]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(`${file}:3:5: identities[1].token: this one is there already`);
    expect(stderr).not.toContain("hush");
  });
});
