/**
 * How a source code host is entered by way of a runner, and who is signed in there: the runner's SCM integrations and
 * the caller's host authentication tokens say it and, where there are none, the state document.
 */
import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Clock } from "../../clock.ts";
import type { SCMIntegration } from "../../gen/gitpod/v1/runner_configuration_pb.ts";
import {
  CheckAuthenticationForHostResponse_AuthenticationMethodOAuth2Schema as OAuth2Schema,
  CheckAuthenticationForHostResponse_AuthenticationMethodPersonalAccessTokenSchema as PatSchema,
  type Runner,
} from "../../gen/gitpod/v1/runner_pb.ts";
import type { ScmHost } from "../../gen/runnermock/v1/state_pb.ts";
import type { Caller } from "../caller.ts";
import type { RunnerConfiguration } from "../configuration/runner-configuration.ts";
import { plainName } from "./hosts.ts";

export class SignIns {
  readonly #configuration: RunnerConfiguration;
  readonly #clock: Clock;

  constructor(configuration: RunnerConfiguration, clock: Clock) {
    this.#configuration = configuration;
    this.#clock = clock;
  }

  /**
   * The host as the caller sees it; the same one where nothing is configured for it.
   *
   * @param runner by way of which; undefined: of whichever the caller is signed in with
   * @param name what the host is asked for by, where that says more than its own
   */
  async seen(host: ScmHost, runner: Runner | undefined, caller: Caller, name = host.host): Promise<ScmHost> {
    const { scmIntegrations, hostAuthenticationTokens } = this.#configuration;
    const ofRunner = runner === undefined ? [] : await scmIntegrations.ofRunner(runner.runnerId);
    const integrations = ofRunner.filter((integration) => isSameHost(integration.host, name));
    const ofCaller = await hostAuthenticationTokens.named([caller.subject.id]);
    const tokens = ofCaller.filter(
      (token) => isSameHost(token.host, name) && (runner === undefined || token.runnerId === runner.runnerId),
    );
    if (integrations.length === 0 && tokens.length === 0) return host;
    const nowMs = this.#clock.nowMs();
    const isSignedIn = tokens.some(({ expiresAt }) => !expiresAt || timestampMs(expiresAt) > nowMs);
    // A runner signs in nowhere.
    const authenticated = caller.runnerId === undefined ? isSignedIn : host.authenticated;
    return { ...this.#entered(host, integrations, runner), authenticated };
  }

  /** The host with the ways in that the integrations leave to it, as the state document or else the schema has them. */
  #entered(host: ScmHost, integrations: readonly SCMIntegration[], runner: Runner | undefined): ScmHost {
    const [first] = integrations;
    if (first === undefined || runner === undefined) return host;
    const { oauth2, pat, ...rest } = host;
    const { scmId } = first;
    const scm = this.#configuration.schemaOf(runner).scm.find((one) => one.scmId === scmId);
    const oauth = integrations.find((integration) => integration.oauth)?.oauth;
    const hasPat = integrations.some((integration) => integration.pat);
    const authUrl = oauth?.issuerUrl || `https://${host.host}`;
    // The messages say by their presence what there is.
    const methods: Pick<ScmHost, "oauth2" | "pat"> = {
      ...(oauth && { oauth2: oauth2 ?? create(OAuth2Schema, { authUrl }) }),
      ...(hasPat && { pat: pat ?? create(PatSchema, { docsUrl: scm?.pat?.docsLink ?? "" }) }),
    };
    return { ...rest, ...methods, scmId, name: host.name || (scm?.name ?? "") };
  }
}

/** Azure DevOps' hosts may be followed by an organization; without it they stand for all. */
function isSameHost(one: string, other: string): boolean {
  const [a, b] = [plainName(one), plainName(other)];
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}
