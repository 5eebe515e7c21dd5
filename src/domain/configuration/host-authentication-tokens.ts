/**
 * Host authentication tokens: with what a subject reaches a source code host by way of a runner. The mock calls no
 * host, so the tokens themselves are not even kept.
 */
import { create } from "@bufbuild/protobuf";
import { errors } from "../../errors.ts";
import { ResourceType } from "../../gen/gitpod/v1/event_pb.ts";
import { Principal, type Subject, SubjectSchema } from "../../gen/gitpod/v1/identity_pb.ts";
import {
  type CreateHostAuthenticationTokenRequest,
  type HostAuthenticationToken,
  HostAuthenticationTokenSchema,
  type ListHostAuthenticationTokensRequest_Filter,
  type UpdateHostAuthenticationTokenRequest,
} from "../../gen/gitpod/v1/runner_configuration_pb.ts";
import { canonical } from "../../ids.ts";
import type { Caller } from "../caller.ts";
import type { ResourceKind, Selection } from "../runner-resources.ts";
import { setFields } from "../set-fields.ts";

export const hostAuthenticationTokens: ResourceKind<
  typeof HostAuthenticationTokenSchema,
  CreateHostAuthenticationTokenRequest,
  UpdateHostAuthenticationTokenRequest
> = {
  collection: "host-authentication-tokens",
  resourceType: ResourceType.HOST_AUTHENTICATION_TOKEN,
  desc: HostAuthenticationTokenSchema,
  notFound: errors.hostAuthenticationTokenNotFound,
  unique: {
    // The subject first: that is how they are looked for.
    nameOf: (token) => [subjectIdOf(token), token.host.toLowerCase(), token.runnerId],
    exists: errors.hostAuthenticationTokenExists,
  },
  made(request, _runner, caller) {
    const { host, source, expiresAt, integrationId, scopes } = request;
    const subject = subjectOf(request, caller);
    const userId = subject.principal === Principal.USER ? subject.id : "";
    return {
      host,
      source,
      integrationId: canonical(integrationId),
      scopes,
      subject,
      userId,
      ...(expiresAt && { expiresAt }),
    };
  },
  changed(stored, { token, refreshToken, expiresAt, scopes }) {
    const changes: Partial<HostAuthenticationToken> = setFields({ expiresAt });
    // An empty list cannot be told from an absent one.
    if (scopes.length > 0) changes.scopes = scopes;
    // Another token is a change, though nobody can see it.
    const isOther = token !== undefined || refreshToken !== undefined;
    return isOther || Object.keys(changes).length > 0 ? { ...stored, ...changes } : stored;
  },
};

/** State documents, too, may have it in capitals. */
const subjectIdOf = ({ subject }: HostAuthenticationToken) => canonical(subject?.id ?? "");

/** Who is said to own the token, by the field that is not deprecated first; nobody: the caller does (GUESS). */
function subjectOf({ subject, userId }: CreateHostAuthenticationTokenRequest, caller: Caller): Subject {
  const { id = "", principal = Principal.UNSPECIFIED } = subject ?? {};
  if (id !== "") return create(SubjectSchema, { id: canonical(id), principal });
  return userId === ""
    ? caller.subject
    : create(SubjectSchema, { id: canonical(userId), principal: Principal.USER });
}

export function selectedTokens(
  filter: ListHostAuthenticationTokensRequest_Filter | undefined,
): Selection<HostAuthenticationToken> {
  const { runnerId, userId, subjectId } = filter ?? {};
  return {
    runnerIds: runnerId === undefined ? [] : [runnerId],
    matches: (token) =>
      (userId === undefined || canonical(token.userId) === canonical(userId)) &&
      (subjectId === undefined || subjectIdOf(token) === canonical(subjectId)),
  };
}
