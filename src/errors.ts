/**
 * Every error that the mock answers with, once, in one table: code and text are the real service's where they are
 * known, otherwise they say what failed, with which value. Each carries an Explanation of whose doing it is and how
 * to put it right. docs/errors.md lists exactly these.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { Explanation_Blame as Blame, ExplanationSchema } from "./gen/runnermock/v1/explanation_pb.ts";
import { cut, shown } from "./shown.ts";

export interface ErrorRow {
  readonly code: Code;
  /** With a `{value}` for what differs; in quotes it is shown as a text in JSON. */
  readonly text: string;
  /** How to put it right. */
  readonly remedy: string;
  /** Default: the client's. */
  readonly blame?: Blame;
  /** The path of the request's field that it is always about, if there is one. */
  readonly field?: string;
  /** Anchor of the row in docs/fidelity.md, where there is one. */
  readonly fidelity?: string;
  /** How long a value may be in the text. Default: 200 characters. */
  readonly maxValueLength?: number;
}

/** Several problems may be told at once, but gRPC sends them in a header, which has to be small. */
const several = 4_000;

export const errorTable = {
  runnerNotFound: {
    code: Code.NotFound,
    text: "runner not found",
    remedy:
      "Use the id of a runner of your organization. One whose lease was not renewed has lapsed: let it call with its token, or set lapse to never.",
    fidelity: "unknown-runner",
    field: "runner_id",
  },
  runnerPolicyNotFound: {
    code: Code.NotFound,
    text: "runner policy not found",
    remedy: "Give the group a role on the runner first, with CreateRunnerPolicy.",
    fidelity: "policies",
    field: "group_id",
  },
  runnerPolicyExists: {
    code: Code.AlreadyExists,
    text: "runner policy already exists",
    remedy: "Change the group's role with UpdateRunnerPolicy.",
    fidelity: "policies",
    field: "group_id",
  },
  onlyUserPolicies: {
    code: Code.InvalidArgument,
    text: "you can only share runners with User role",
    remedy: "Send RUNNER_ROLE_USER, or set admin-policies to take.",
    fidelity: "policy-roles",
    field: "role",
  },
  invalidPageToken: {
    code: Code.InvalidArgument,
    text: 'invalid pagination token "{token}"',
    remedy: "Send back the next_token of the page before, for the same list.",
    fidelity: "page-tokens",
    field: "pagination.token",
  },
  invalidPageSize: {
    code: Code.InvalidArgument,
    text: 'invalid page size "{size}" in the query: expected a whole number from 0 to 100',
    remedy: "Send a pageSize of that kind in the query, or none.",
    fidelity: "page-in-query",
    field: "pagination.page_size",
  },
  permissionDenied: {
    code: Code.PermissionDenied,
    text: "permission denied",
    remedy: "Call with a user's token: a runner's opens only what is its own, a logs token nothing but logs.",
    fidelity: "permissions",
  },
  missingBearer: {
    code: Code.Unauthenticated,
    text: "no bearer token: send the header Authorization: Bearer TOKEN with a configured token or one that ExchangeToken returned",
    remedy: "Send one, or start with --auth open.",
    fidelity: "auth",
  },
  invalidBearer: {
    code: Code.Unauthenticated,
    text: "invalid bearer token: it is unknown here, has expired, or its runner was deleted",
    remedy: "Exchange a new token, in the same world; for a user, configure the token.",
    fidelity: "auth",
  },
  invalidExchangeToken: {
    code: Code.Unauthenticated,
    text: "invalid exchange token: it is unknown here, was used already, has expired, or its runner was deleted",
    remedy: "Make a new one with CreateRunnerToken; each works once.",
    fidelity: "exchange-refused",
    field: "exchange_token",
  },
  onlyManagerMayMakeTokens: {
    code: Code.Unauthenticated,
    text: "only the runner manager can create tokens for a managed runner",
    remedy: "Call as the runner's manager (--identities), or set managed-runners to plain.",
    fidelity: "managed-runners",
  },
  onlyManagerMayUpdate: {
    code: Code.PermissionDenied,
    text: "only runner manager can update managed runner configurations",
    remedy: "Call as the runner's manager (--identities), or set managed-runners to plain.",
    fidelity: "managed-runners",
  },
  secondManagedRunner: {
    code: Code.AlreadyExists,
    text: "runner manager {runnerManagerId} already has a managed runner in this organization",
    remedy: "Delete the first one, name another manager, or set second-managed-runner to allow.",
    fidelity: "second-managed-runner",
    field: "runner_manager_id",
  },
  renewalMismatch: {
    code: Code.FailedPrecondition,
    text: "cannot renew the registration: {field} is {registered} and cannot become {sent}",
    remedy: "Renew with what the runner was registered with, or register another runner as a user.",
    fidelity: "literal-renewal",
  },
  localConfigurationIsFixed: {
    code: Code.FailedPrecondition,
    text: "the LOCAL_CONFIGURATION runner belongs to the organization and cannot be deleted",
    remedy: "Leave it, or set local-configuration-runner to absent.",
    fidelity: "local-configuration",
  },
  desiredPhaseIsFixed: {
    code: Code.FailedPrecondition,
    text: "spec.desired_phase can only be updated on the LOCAL_CONFIGURATION runner",
    remedy: "Leave it out, or set desired-phase-on-update to take.",
    fidelity: "desired-phase-on-update",
    field: "spec.desired_phase",
  },
  desiredPhaseIsDeprecated: {
    code: Code.FailedPrecondition,
    text: "this API is deprecated - to disable local environments, please update your organization policy through the organization settings instead",
    remedy: "Leave spec.desired_phase out, or set desired-phase-on-update to take.",
    fidelity: "desired-phase-on-update",
    field: "spec.desired_phase",
  },
  noPublicKey: {
    code: Code.FailedPrecondition,
    text: "runner does not have a public key",
    remedy: "Let the runner report one first: runners.report(id, { publicKey }), 32 bytes for X25519.",
    fidelity: "sealed-secrets",
  },
  onlyOwnScmIntegrations: {
    code: Code.FailedPrecondition,
    text: "cannot add SCM integrations to Gitpod-managed runners",
    remedy: "Add it to a runner of your own, or set managed-runners to plain.",
    fidelity: "managed-scm-integrations",
    field: "runner_id",
  },
  environmentClassNotFound: {
    code: Code.NotFound,
    text: "environment class not found",
    remedy: "Use the id of an environment class of a runner that stands, as ListEnvironmentClasses has it.",
    fidelity: "unknown-resources",
    field: "environment_class_id",
  },
  scmIntegrationNotFound: {
    code: Code.NotFound,
    text: "SCM integration not found",
    remedy: "Use the id of an SCM integration of a runner that stands, as ListSCMIntegrations has it.",
    fidelity: "unknown-resources",
    field: "id",
  },
  scmIntegrationExists: {
    code: Code.AlreadyExists,
    text: "SCM integration already exists",
    remedy: "Change the one that the runner has for the same host and scm_id with UpdateSCMIntegration.",
    fidelity: "resource-conflicts",
    field: "host",
  },
  llmIntegrationNotFound: {
    code: Code.NotFound,
    text: "LLM integration not found",
    remedy: "Use the id of an LLM integration of a runner that stands, as ListLLMIntegrations has it.",
    fidelity: "unknown-resources",
    field: "id",
  },
  hostAuthenticationTokenNotFound: {
    code: Code.NotFound,
    text: "host authentication token not found",
    remedy: "Use the id of a token of a runner that stands, as ListHostAuthenticationTokens has it.",
    fidelity: "unknown-resources",
    field: "id",
  },
  hostAuthenticationTokenExists: {
    code: Code.AlreadyExists,
    text: "host authentication token already exists",
    remedy: "Change the one of the same subject, host and runner with UpdateHostAuthenticationToken.",
    fidelity: "resource-conflicts",
    field: "host",
  },
  invalidConfiguration: {
    code: Code.InvalidArgument,
    text: "invalid configuration: {problems}",
    remedy:
      "Send what GetRunnerConfigurationSchema allows, or put another schema into the state document (--state).",
    fidelity: "class-configuration",
    field: "configuration",
    maxValueLength: several,
  },
  runnerNotActive: {
    code: Code.FailedPrecondition,
    text: "runner is not active",
    remedy: "Let it exchange its token and call with its access token, or report the phase.",
    fidelity: "runner-not-active",
    field: "runner_id",
  },
  invalidContextUrl: {
    code: Code.InvalidArgument,
    text: 'cannot read the context URL "{url}": {reason}',
    remedy: "Send the http(s) URL of a page on one of the hosts of the state document.",
    fidelity: "context-urls",
    field: "context_url",
  },
  authenticationRequired: {
    code: Code.FailedPrecondition,
    text: "authentication required for {host}",
    remedy: "In the state document (--state), set the host's authenticated to true.",
    fidelity: "context-url-errors",
    field: "context_url",
  },
  repositoryForbidden: {
    code: Code.PermissionDenied,
    text: "no access to repository {repository}",
    remedy: "In the state document (--state), set the repository's forbidden to false.",
    fidelity: "context-url-errors",
    field: "context_url",
  },
  scmResourceNotFound: {
    code: Code.NotFound,
    text: '{kind} "{name}" not found',
    remedy: "Add it to the state document (--state): the mock asks no real host.",
    fidelity: "context-url-errors",
    field: "context_url",
  },
  invalidSort: {
    code: Code.InvalidArgument,
    text: 'cannot sort by "{field}": expected created_at',
    remedy: "Leave sort.field out.",
    fidelity: "audit-log-order",
    field: "sort.field",
  },
  enterpriseOnly: {
    code: Code.FailedPrecondition,
    text: "feature is only available for enterprise customers",
    remedy: "Set --organization-tier enterprise, or audit-logs to answer.",
    fidelity: "audit-log-tier",
  },
  watcherFellBehind: {
    code: Code.ResourceExhausted,
    text: "the watcher does not keep up: {limit} events wait for it",
    remedy: "Read the stream faster, filter it, or raise --max-watch-backlog; then watch again.",
    fidelity: "slow-watchers",
    blame: Blame.MOCK_LIMIT,
  },
  noLease: {
    code: Code.FailedPrecondition,
    text: "runner has no lease: it is permanent, lives by itself, or is being deleted",
    remedy: "Choose a runner that somebody registered, or set managed-runners to plain.",
    field: "runner_id",
  },
  tokenNotFound: {
    code: Code.NotFound,
    text: "token not found",
    remedy: "Name a token as ListTokens has it, in the world that issued it.",
    field: "token",
  },
  clockMovedWrongly: {
    code: Code.InvalidArgument,
    text: "cannot advance the clock: {reason}",
    remedy:
      "Move it forward, and not beyond the year 9999; a fresh world (Reset) begins at the machine's time.",
    field: "by",
  },
  worldNotFound: {
    code: Code.NotFound,
    text: 'there is no world "{name}"',
    remedy: "Make it with CreateWorld, or by a call to its API.",
    field: "world",
  },
  worldExists: {
    code: Code.AlreadyExists,
    text: 'there is a world "{name}" already',
    remedy: "Delete it first, or Reset it.",
    field: "world",
  },
  defaultWorldStays: {
    code: Code.InvalidArgument,
    text: 'the world "{name}" cannot be deleted',
    remedy: "Use Reset.",
    field: "world",
  },
  unknownProfile: {
    code: Code.InvalidArgument,
    text: 'there is no profile "{profile}": expected {profiles}',
    remedy: "Name one of these, or none.",
    field: "profile",
  },
  injectedFault: {
    code: Code.Unknown,
    text: "{message}",
    remedy: "None: it was ordered. RemoveFault ends it; the response header runner-mock-fault names it.",
    blame: Blame.INJECTED_FAULT,
    maxValueLength: several,
  },
  adversity: {
    code: Code.Unavailable,
    text: "{message}",
    remedy:
      "Call again: the next call of this RPC gets through. The response header runner-mock-adversity names the seed; StopAdversity ends it.",
    blame: Blame.INJECTED_FAULT,
    maxValueLength: several,
  },
  invalidAdversity: {
    code: Code.InvalidArgument,
    text: "cannot start adversity: {problem}",
    remedy: "Mend it; what there was goes on. docs/adversity.md lists the kinds.",
    field: "adversity",
  },
  runnerExists: {
    code: Code.AlreadyExists,
    text: 'there is a runner "{runnerId}" already',
    remedy:
      "Replace the state instead of adding to it, or take the runner out of the document. Nothing was loaded.",
    field: "state.runners",
  },
  resourceExists: {
    code: Code.AlreadyExists,
    text: 'something else has the id "{id}" already',
    remedy:
      "Replace the state instead of adding to it, or leave the id out for a new one. Nothing was loaded.",
    field: "state.runners",
  },
  invalidDocument: {
    code: Code.InvalidArgument,
    text: "invalid state document: {problem}",
    remedy: "Mend what is named; proto/runnermock/v1/state.proto says what there is. Nothing was loaded.",
    field: "document",
    maxValueLength: several,
  },
  faultNotFound: {
    code: Code.NotFound,
    text: 'there is no fault "{faultId}"',
    remedy: "ListFaults lists those that are not over yet.",
    field: "fault_id",
  },
  invalidFault: {
    code: Code.InvalidArgument,
    text: "cannot inject the fault: {problem}",
    remedy: "Mend it; nothing was injected.",
    field: "fault",
  },
  invalidCallFilter: {
    code: Code.InvalidArgument,
    text: "cannot filter calls: {problem}",
    remedy: "Name an RPC of the API, such as CreateRunner, and a code as Connect spells it.",
    field: "filter",
  },
  tooFewCalls: {
    code: Code.DeadlineExceeded,
    text: "saw {seen} of {count} calls in {timeout}",
    remedy: "Let the client make them, wait longer, or loosen the filter; ListCalls says what there was.",
    field: "timeout",
  },
  invalidControlToken: {
    code: Code.Unauthenticated,
    text: "the control service asks for its token: send the header Authorization: Bearer TOKEN",
    remedy: "Send what --control-token says.",
  },
  foreignOrigin: {
    code: Code.PermissionDenied,
    text: 'the control service is not for {what} "{name}"',
    remedy: "Call it from its own origin, by the name of the address that it listens on.",
  },
  worldGone: {
    code: Code.Unavailable,
    text: "the world was reset or deleted",
    remedy: "Watch again.",
    blame: Blame.MOCK_LIMIT,
  },
  storeUnavailable: {
    code: Code.Unavailable,
    text: "the store did not answer: it cannot be reached now, or was cut off",
    remedy:
      "Try again once /readyz says ok. A call that changes something may have done so: look before you repeat it.",
    blame: Blame.MOCK_LIMIT,
  },
  eventsLost: {
    code: Code.Unavailable,
    text: "events may have been lost: the store kept fewer than there were",
    remedy: "Watch again.",
    blame: Blame.MOCK_LIMIT,
  },
  invalidWorldName: {
    code: Code.InvalidArgument,
    text: 'invalid world name "{name}": expected a-z, 0-9, ".", "_" and "-", starting with a letter or digit, at most 63 characters',
    remedy: "Name the world so, in the path or in the header runner-mock-world.",
    fidelity: "world-names",
  },
  tooManyWorlds: {
    code: Code.ResourceExhausted,
    text: "there are {limit} worlds already: the option maxWorlds, or --max-worlds, allows for more",
    remedy: "Raise the option, use fewer worlds, or lower --world-idle.",
    fidelity: "world-names",
    blame: Blame.MOCK_LIMIT,
  },
  undecodable: {
    code: Code.InvalidArgument,
    text: "{problem}",
    remedy:
      "Send what the schema says. The API ignores unknown fields and enum names with unknown-json set to ignore.",
    fidelity: "undecodable",
    maxValueLength: several,
  },
  violated: {
    code: Code.InvalidArgument,
    text: "{summary}",
    remedy:
      "Mend each field that the detail buf.validate.Violations names. The API takes them with validation set to off.",
    fidelity: "violations",
    maxValueLength: several,
  },
  missingRequestMessage: {
    code: Code.Unimplemented,
    text: "the request has no message: this RPC takes one",
    remedy: "Send one message.",
  },
  extraRequestMessage: {
    code: Code.Unimplemented,
    text: "the request has more than one message: this RPC takes one",
    remedy: "Send one message.",
  },
  bodyTooLarge: {
    code: Code.ResourceExhausted,
    text: "the request body is larger than the limit of {limitBytes} bytes",
    remedy: "Send less.",
    fidelity: "body-limit",
    blame: Blame.MOCK_LIMIT,
  },
  unknownVersion: {
    code: Code.InvalidArgument,
    text: 'unknown version "{version}" of the Connect protocol: expected "{expected}"',
    remedy:
      "Send the header Connect-Protocol-Version: 1, for GET the query parameter connect=v1, or neither.",
    fidelity: "undecodable",
  },
  clientWentAway: {
    code: Code.Canceled,
    text: "the client went away",
    remedy: "None: nobody reads this answer.",
  },
  noContentType: {
    code: Code.InvalidArgument,
    text: "no content type: expected application/json, application/proto, or one of gRPC or gRPC-Web; for GET, the query parameters encoding and message",
    remedy: "Send the header Content-Type.",
    fidelity: "content-types",
  },
  unsupportedContentType: {
    code: Code.InvalidArgument,
    text: 'unsupported content type "{contentType}": expected {expected}, or one of gRPC or gRPC-Web',
    remedy: "Send the header Content-Type with one of these.",
    fidelity: "content-types",
  },
  unknownService: {
    code: Code.NotFound,
    text: 'there is no service "{service}" here',
    remedy: "Ask for a service by its full name, or for the server by an empty one.",
    field: "service",
  },
  unknownRpc: {
    code: Code.Unimplemented,
    text: "there is no RPC at {path}",
    remedy:
      "Call /SERVICE/METHOD as gRPC's server reflection lists them; at the API's address /api may come before.",
    fidelity: "unknown-rpcs",
  },
  methodNotAllowed: {
    code: Code.Unimplemented,
    text: "{path} cannot be called by {method}",
    remedy: "Use POST; GET is for unary RPCs without side effects.",
    fidelity: "content-types",
  },
  invalidHost: {
    code: Code.InvalidArgument,
    text: 'invalid Host header "{host}"',
    remedy: "Send the name of the mock's address; HTTP/1.0 does not.",
  },
  badRequest: {
    code: Code.InvalidArgument,
    text: "{reason}",
    remedy: "Send a well-formed HTTP request.",
  },
  internalError: {
    code: Code.Internal,
    text: "the mock failed to answer: this is a bug in gitpod-runner-mock, its log says more",
    remedy: "Report it with the log.",
    blame: Blame.MOCK_BUG,
  },
  serverStopping: {
    code: Code.Unavailable,
    text: "the server is stopping",
    remedy: "Connect again once it is back.",
    blame: Blame.MOCK_LIMIT,
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorName = keyof typeof errorTable;

/** What an error can tell besides its text. */
export interface More {
  /** Logged, not sent. */
  readonly cause?: unknown;
  /** Instead of the table's, where that is somebody's choice. */
  readonly code?: Code | undefined;
  /** Sent with the error. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Details that the real service sends, too. */
  readonly details?: ConnectError["details"];
  /** The rule of the schema, and the path of the field, that the request breaks first. */
  readonly rule?: string | undefined;
  readonly field?: string | undefined;
}

type NamesIn<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | NamesIn<Rest>
  : never;
type Values<Text extends string> = Readonly<Record<NamesIn<Text>, string | number>>;
type Maker<Text extends string> = [NamesIn<Text>] extends [never]
  ? (more?: More) => ConnectError
  : (values: Values<Text>, more?: More) => ConnectError;

/** Makes each error of the table: `errors.runnerNotFound()`, `errors.invalidPageToken({ token })`. */
export const errors = Object.fromEntries(
  Object.entries<ErrorRow>(errorTable).map(([name, row]) => [name, makerOf(name, row)]),
) as unknown as { readonly [Name in ErrorName]: Maker<(typeof errorTable)[Name]["text"]> };

function makerOf(name: string, row: ErrorRow) {
  const hasValues = row.text.includes("{");
  return (...args: readonly unknown[]) => {
    const [values, more] = hasValues ? args : [{}, args[0]];
    return make(name, row, values as Values<string>, (more as More | undefined) ?? {});
  };
}

function make(name: string, row: ErrorRow, values: Values<string>, more: More): ConnectError {
  const { remedy, blame = Blame.CLIENT, fidelity = "" } = row;
  const { code = row.code, headers, cause, details = [], rule = "", field = row.field ?? "" } = more;
  const explanation: MessageInitShape<typeof ExplanationSchema> = {
    error: name,
    rule,
    field,
    blame,
    remedy,
    fidelity,
  };
  const all = [...details, { desc: ExplanationSchema, value: explanation }];
  const error = new ConnectError(filled(row, values), code, headers, undefined, cause);
  error.details = all;
  return error;
}

function filled({ text, maxValueLength }: ErrorRow, values: Readonly<Record<string, string | number>>) {
  return text.replace(/"\{(\w+)\}"|\{(\w+)\}/g, (_, quoted, plain) =>
    quoted ? shown(String(values[quoted])) : cut(String(values[plain]), maxValueLength),
  );
}

/**
 * Why a call ends whose signal is aborted: out of time, the server stops, or nobody waits for it any more. How its
 * client left is no matter: a connection that is cut off, a stream that is reset with whatever code it likes.
 */
export function endedBy({ reason }: AbortSignal): ConnectError {
  const isOurs = reason instanceof ConnectError && ends.has(reason.code);
  return isOurs ? reason : errors.clientWentAway({ cause: reason });
}

const ends: ReadonlySet<Code> = new Set([Code.DeadlineExceeded, Code.Unavailable]);

export const isWorldGone = (reason: unknown) =>
  reason instanceof ConnectError && reason.rawMessage === errorTable.worldGone.text;

export const isServerStopping = (reason: unknown) =>
  reason instanceof ConnectError && reason.code === Code.Unavailable;
