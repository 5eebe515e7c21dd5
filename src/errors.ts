/**
 * Every error that the mock answers with, one constructor each: code and text are the real service's where they
 * are known (docs/fidelity.md), otherwise they say what failed, with which value, and what to do.
 */
import type { violationsToProto } from "@bufbuild/protovalidate";
import { Code, ConnectError } from "@connectrpc/connect";
import { cut, shown } from "./shown.ts";

export const runnerNotFound = () => new ConnectError("runner not found", Code.NotFound);

export const invalidPageToken = (token: string) =>
  new ConnectError(`invalid pagination token ${shown(token)}`, Code.InvalidArgument);

export const invalidPageSize = (text: string) =>
  new ConnectError(
    `invalid page size ${shown(text)} in the query: expected a whole number from 0 to 100`,
    Code.InvalidArgument,
  );

export const permissionDenied = () => new ConnectError("permission denied", Code.PermissionDenied);

export const missingBearer = () =>
  new ConnectError(
    "no bearer token: send the header Authorization: Bearer TOKEN with a configured token or one that ExchangeToken returned",
    Code.Unauthenticated,
  );

export const invalidBearer = () =>
  new ConnectError(
    "invalid bearer token: it is unknown here, has expired, or its runner was deleted",
    Code.Unauthenticated,
  );

export const invalidExchangeToken = () =>
  new ConnectError(
    "invalid exchange token: it is unknown here, was used already, has expired, or its runner was deleted",
    Code.Unauthenticated,
  );

export const onlyManagerMayMakeTokens = () =>
  new ConnectError("only the runner manager can create tokens for a managed runner", Code.Unauthenticated);

export const secondManagedRunner = (runnerManagerId: string) =>
  new ConnectError(
    `runner manager ${runnerManagerId} already has a managed runner in this organization`,
    Code.AlreadyExists,
  );

export const renewalMismatch = (field: string, registered: string, sent: string) =>
  new ConnectError(
    `cannot renew the registration: ${field} is ${registered} and cannot become ${cut(sent)}`,
    Code.FailedPrecondition,
  );

export const localConfigurationIsFixed = () =>
  new ConnectError(
    "the LOCAL_CONFIGURATION runner belongs to the organization and cannot be deleted",
    Code.FailedPrecondition,
  );

export const invalidWorldName = (name: string) =>
  new ConnectError(
    `invalid world name ${shown(name)}: expected a-z, 0-9, ".", "_" and "-", starting with a letter or digit, at most 63 characters`,
    Code.InvalidArgument,
  );

export const tooManyWorlds = (limit: number) =>
  new ConnectError(
    `there are ${limit} worlds already: the option maxWorlds, or --max-worlds, allows for more`,
    Code.ResourceExhausted,
  );

/** A request that is not what the schema says. */
export const undecodable = (problem: string) =>
  new ConnectError(cut(problem, maxProblemLength), Code.InvalidArgument);

/** Several problems may be told at once, but gRPC sends them in a header, which has to be small. */
const maxProblemLength = 4_000;

/** A request that breaks rules of the schema; the detail is a buf.validate.Violations. */
export const violated = (summary: string, [value, desc]: ReturnType<typeof violationsToProto>) =>
  new ConnectError(cut(summary, maxProblemLength), Code.InvalidArgument, undefined, [{ desc, value }]);

/** gRPC has it so, and Connect with it. */
export const missingRequestMessage = () =>
  new ConnectError("the request has no message: this RPC takes one", Code.Unimplemented);

export const extraRequestMessage = () =>
  new ConnectError("the request has more than one message: this RPC takes one", Code.Unimplemented);

export const bodyTooLarge = (limitBytes: number) =>
  new ConnectError(
    `the request body is larger than the limit of ${limitBytes} bytes`,
    Code.ResourceExhausted,
  );

export const clientWentAway = (cause: unknown) =>
  new ConnectError("the client went away", Code.Canceled, undefined, undefined, cause);

export const unsupportedContentType = (contentType: string | null) =>
  new ConnectError(
    contentType === null
      ? "no content type: expected application/json, application/proto, or one of gRPC or gRPC-Web; for GET, the query parameters encoding and message"
      : `unsupported content type ${shown(contentType)}: expected application/json, application/proto, or one of gRPC or gRPC-Web`,
    Code.InvalidArgument,
  );

export const unknownRpc = (path: string) =>
  new ConnectError(`there is no RPC at ${cut(path)}`, Code.Unimplemented);

/** An RPC that exists, but not by this HTTP method. */
export const methodNotAllowed = (method: string, path: string) =>
  new ConnectError(`${cut(path)} cannot be called by ${method}`, Code.Unimplemented);

export const badRequest = (reason: string) => new ConnectError(reason, Code.InvalidArgument);

/** What a bug in the mock looks like from outside; its cause is logged, not sent. */
export const internalError = (cause: unknown) =>
  new ConnectError(
    "the mock failed to answer: this is a bug in gitpod-runner-mock, its log says more",
    Code.Internal,
    undefined,
    undefined,
    cause,
  );

/** How open streams end when the server stops. Calls under way are finished all the same. */
export const serverStopping = () => new ConnectError("the server is stopping", Code.Unavailable);

export const isServerStopping = (reason: unknown) =>
  reason instanceof ConnectError && reason.code === Code.Unavailable;
