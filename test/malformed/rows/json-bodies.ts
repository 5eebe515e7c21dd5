/** Bodies in JSON that are none, or none of the RPC's request. */
import { http1, post } from "../http1-client.ts";
import type { Row, Send, Theme } from "../row.ts";

const createRunner = "/gitpod.v1.RunnerService/CreateRunner";
const updateRunner = "/gitpod.v1.RunnerService/UpdateRunner";
const listRunners = "/gitpod.v1.RunnerService/ListRunners";
const listAuditLogs = "/gitpod.v1.EventService/ListAuditLogs";
const searchRepositories = "/gitpod.v1.RunnerService/SearchRepositories";

const json = (path: string, body: string | Uint8Array): Send =>
  http1(post(path, { "content-type": "application/json" }, body));

const deep = 100_000;
const notJson = /^the request body is not JSON: /;

/** Refused, whatever is wrong. */
const refused = (title: string, path: string, body: string | Uint8Array, says: RegExp): Row => ({
  title,
  send: json(path, body),
  answer: "400 invalid_argument",
  says,
});

const rows: readonly Row[] = [
  refused("nothing at all", createRunner, "", notJson),
  refused("white space alone", createRunner, " \t\r\n", notJson),
  refused("cut off in a name", createRunner, '{"name', notJson),
  refused("cut off in an escape", createRunner, String.raw`{"name": "\u00`, notJson),
  refused("cut off after a colon", createRunner, '{"name":', notJson),
  refused("cut off within a list", listRunners, '{"filter": {"kinds": [1,', notJson),
  refused("two values one after the other", createRunner, '{"name": "abc"}{"name": "def"}', notJson),
  refused("a comma too many", createRunner, '{"name": "abc",}', notJson),
  refused("names without quotes", createRunner, '{name: "abc"}', notJson),
  refused("quotes of another kind", createRunner, "{'name': 'abc'}", notJson),
  refused("a comment", createRunner, '{/* mine */ "name": "abc"}', notJson),
  refused("a line break within a text", createRunner, '{"name": "a\nb"}', notJson),
  refused("an escape that there is not", createRunner, String.raw`{"name": "\x41"}`, notJson),
  refused("NaN", listRunners, '{"pagination": {"pageSize": NaN}}', notJson),
  refused("Infinity", listRunners, '{"pagination": {"pageSize": Infinity}}', notJson),
  refused("a number with a leading zero", listRunners, '{"pagination": {"pageSize": 010}}', notJson),
  refused("a hexadecimal number", listRunners, '{"pagination": {"pageSize": 0x10}}', notJson),
  refused("NaN as a text, for an int32", listRunners, '{"pagination": {"pageSize": "NaN"}}', /page_size/),
  refused("a fraction for an int32", listRunners, '{"pagination": {"pageSize": 1.5}}', /page_size/),
  refused(
    "one more than an int32 holds",
    listRunners,
    '{"pagination": {"pageSize": 2147483648}}',
    /page_size/,
  ),
  refused("a number beyond every double", listRunners, '{"pagination": {"pageSize": 1e999}}', /page_size/),
  refused(
    "a number of 100,000 digits",
    listRunners,
    `{"pagination": {"pageSize": ${"9".repeat(100_000)}}}`,
    /page_size/,
  ),
  refused(
    "a negative number for a uint32",
    updateRunner,
    '{"spec": {"configuration": {"updateWindow": {"startHour": -1}}}}',
    /start_hour/,
  ),
  refused("a bare text", createRunner, '"CreateRunnerRequest"', /CreateRunnerRequest/),
  refused("a list at the top", createRunner, '[{"name": "abc"}]', /CreateRunnerRequest/),
  refused("null at the top", createRunner, "null", /CreateRunnerRequest/),
  refused("a number for a text", createRunner, '{"name": 5}', /CreateRunnerRequest\.name/),
  refused(
    "a text for a bool",
    updateRunner,
    '{"spec": {"configuration": {"autoUpdate": "true"}}}',
    /auto_update/,
  ),
  refused("a list for a message", createRunner, '{"spec": []}', /RunnerSpec/),
  refused("a message for a list", listRunners, '{"filter": {"kinds": {}}}', /Filter\.kinds/),
  refused("null within a list", listRunners, '{"filter": {"kinds": [null]}}', /Filter\.kinds/),
  refused("true for an enum", createRunner, '{"kind": true}', /RunnerKind/),
  refused("an enum value of the wrong case", createRunner, '{"kind": "runner_kind_local"}', /has no value/),
  refused("an enum number that there is not", createRunner, '{"name": "abc", "kind": 99}', /kind/),
  refused("a timestamp that is none", listAuditLogs, '{"filter": {"from": "yesterday"}}', /Timestamp/),
  refused(
    "a timestamp beyond the year 9999",
    listAuditLogs,
    '{"filter": {"from": "10000-01-01T00:00:00Z"}}',
    /Timestamp/,
  ),
  refused(
    "a timestamp of a day that there is not",
    listAuditLogs,
    '{"filter": {"from": "2026-02-30T25:61:61Z"}}',
    /Timestamp/,
  ),
  refused("a field given twice", createRunner, '{"name": "abc", "name": "def"}', /duplicate/),
  refused(
    "a field given twice, in its two spellings",
    createRunner,
    '{"runnerManagerId": "", "runner_manager_id": ""}',
    /runner_manager_id/,
  ),
  refused(
    "a field given twice, once in escapes",
    createRunner,
    String.raw`{"name": "abc", "n\u0061me": "def"}`,
    /duplicate/,
  ),
  refused(
    "an unknown field",
    createRunner,
    '{"nome": "abc"}',
    /^nome: gitpod\.v1\.CreateRunnerRequest has no such field$/,
  ),
  refused("a field named __proto__", createRunner, '{"__proto__": {"name": "abc"}}', /__proto__/),
  refused("a field named constructor", createRunner, '{"constructor": {"prototype": {}}}', /constructor/),
  refused("an unknown field with an empty name", createRunner, '{"": 1}', /has no such field/),
  refused("a field of the API's names in another case", createRunner, '{"NAME": "abc"}', /^NAME: /),
  refused("a byte that is not UTF-8", createRunner, Buffer.from('{"name": "\xff"}', "latin1"), notJson),
  refused("UTF-8 in too many bytes", createRunner, Buffer.from('{"name": "\xc0\xaf"}', "latin1"), notJson),
  refused("UTF-8 that breaks off", createRunner, Buffer.from('{"name": "\xe2\x82"}', "latin1"), notJson),
  refused("UTF-16", createRunner, Buffer.from('{"name": "abc"}', "utf16le"), notJson),
  refused("half a surrogate pair in an escape", createRunner, String.raw`{"name": "abc\ud800"}`, /name/),
  refused(
    "lists 100,000 deep",
    createRunner,
    "[".repeat(deep) + "]".repeat(deep),
    /CreateRunnerRequest|deep|not JSON/,
  ),
  refused(
    "messages 100,000 deep in an unknown field",
    createRunner,
    `${'{"a":'.repeat(deep)}1${"}".repeat(deep)}`,
    /a: |not JSON/,
  ),
  refused("100,000 brackets that nobody closes", createRunner, "[".repeat(deep), notJson),
  refused(
    "messages 100,000 deep where a text belongs",
    searchRepositories,
    `{"searchString": ${'{"searchString":'.repeat(deep)}1${"}".repeat(deep)}}`,
    /search_?[sS]tring|not JSON/,
  ),
];

export const jsonBodies: Theme = { name: "JSON bodies", rows };
