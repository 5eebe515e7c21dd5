/** SCM integrations: which source code hosts a runner reaches, and how users sign in there. */
import { create } from "@bufbuild/protobuf";
import { errors } from "../../errors.ts";
import { ResourceType } from "../../gen/gitpod/v1/event_pb.ts";
import {
  type CreateSCMIntegrationRequest,
  RunnerProvider,
  type SCMIntegration,
  type SCMIntegrationOAuthConfig,
  SCMIntegrationOAuthConfigSchema,
  SCMIntegrationSchema,
  type UpdateSCMIntegrationRequest,
} from "../../gen/gitpod/v1/runner_configuration_pb.ts";
import type { Runner } from "../../gen/gitpod/v1/runner_pb.ts";
import type { Switches } from "../../profiles.ts";
import type { ResourceKind } from "../runner-resources.ts";
import { sealedFor } from "../sealed-box.ts";
import { setFields } from "../set-fields.ts";

/** What CreateSCMIntegration and UpdateSCMIntegration both say. */
type Changes = Omit<UpdateSCMIntegrationRequest, "id" | "$typeName" | "$unknown">;

type ScmIntegrations = ResourceKind<
  typeof SCMIntegrationSchema,
  CreateSCMIntegrationRequest,
  UpdateSCMIntegrationRequest
>;

export function scmIntegrations(switches: Pick<Switches, "managedRunners">): ScmIntegrations {
  return {
    collection: "scm-integrations",
    resourceType: ResourceType.RUNNER_SCM_INTEGRATION,
    desc: SCMIntegrationSchema,
    notFound: errors.scmIntegrationNotFound,
    unique: {
      nameOf: ({ runnerId, host, scmId }) => [runnerId, host.toLowerCase(), scmId],
      exists: errors.scmIntegrationExists,
    },
    made(request, runner) {
      if (!mayHaveIntegrations(runner, switches)) throw errors.onlyOwnScmIntegrations();
      const { scmId, host } = request;
      return patched(create(SCMIntegrationSchema, { scmId, host }), request, runner);
    },
    changed: patched,
  };
}

/** LIVE: managed runners may not, where they are set apart. */
export function mayHaveIntegrations(
  { provider }: Runner,
  { managedRunners }: Pick<Switches, "managedRunners">,
): boolean {
  return managedRunners !== "self-driven" || provider !== RunnerProvider.MANAGED;
}

/** Takes over what is set; an empty text clears. Without a client id there is no OAuth (FAKE). */
async function patched(
  integration: SCMIntegration,
  { oauthClientId, oauthPlaintextClientSecret, issuerUrl, pat, virtualDirectory }: Changes,
  runner: Runner,
): Promise<SCMIntegration> {
  const ofOAuth = setFields({ oauthClientId, oauthPlaintextClientSecret, issuerUrl });
  const changes = { ...ofOAuth, ...setFields({ pat, virtualDirectory }) };
  if (Object.keys(changes).length === 0) return integration;
  const oauth = await patchedOAuth(integration.oauth, ofOAuth, runner);
  const directory = virtualDirectory ?? integration.virtualDirectory;
  const { oauth: _, virtualDirectory: __, ...rest } = integration;
  return {
    ...rest,
    pat: pat ?? integration.pat,
    ...(oauth && { oauth }),
    ...(directory && { virtualDirectory: directory }),
  };
}

async function patchedOAuth(
  before: SCMIntegrationOAuthConfig = create(SCMIntegrationOAuthConfigSchema),
  {
    oauthClientId: clientId = before.clientId,
    oauthPlaintextClientSecret: secret,
    issuerUrl = before.issuerUrl,
  }: Pick<Changes, "oauthClientId" | "oauthPlaintextClientSecret" | "issuerUrl">,
  runner: Runner,
): Promise<SCMIntegrationOAuthConfig | undefined> {
  const encryptedClientSecret =
    secret === undefined
      ? before.encryptedClientSecret
      : await sealedFor(runner, secret, "oauth_plaintext_client_secret");
  return clientId === "" ? undefined : { ...before, clientId, issuerUrl, encryptedClientSecret };
}
