/**
 * How runners come into the registry and stay there: CreateRunner, the exchange of tokens, and the calls that
 * bear a runner's own token. Everything here that shows a runner alive renews its lease.
 */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { errors } from "../errors.ts";
import type { Subject } from "../gen/gitpod/v1/identity_pb.ts";
import { RunnerKind, RunnerProvider } from "../gen/gitpod/v1/runner_configuration_pb.ts";
import {
  type CreateRunnerRequest,
  CreateRunnerRequestSchema,
  type Runner,
  RunnerPhase,
  RunnerSchema,
  type RunnerSpec,
  RunnerSpecSchema,
} from "../gen/gitpod/v1/runner_pb.ts";
import { canonical, type Ids } from "../ids.ts";
import type { Switches } from "../profiles.ts";
import type { Store } from "../store/store.ts";
import { type Caller, manages, runnerSubject } from "./caller.ts";
import { Claims, type Name } from "./claims.ts";
import { defaultOrganizationId, defaultSubject } from "./identity.ts";
import { type Registration, type RegistrationDocument, type SignOfLife, withRunner } from "./lease.ts";
import { kindOf } from "./runner-kind.ts";
import type { RunnerRecords } from "./runner-records.ts";
import type { Runners } from "./runners.ts";
import { kindOfBearer, type Tokens, type ValidToken } from "./tokens.ts";

/** The credentials in a reply, as the wire names them. */
export interface Credentials {
  readonly exchangeToken: string;
  /** Deprecated; empty where the switch says so. */
  readonly accessToken: string;
}

type RegistrarSwitches = Pick<
  Switches,
  "desiredPhaseOnCreate" | "legacyAccessToken" | "secondManagedRunner" | "unknownExchangeToken"
>;

export class Registrar {
  readonly #records: RunnerRecords;
  readonly #runners: Runners;
  readonly #tokens: Tokens;
  readonly #ids: Ids;
  readonly #switches: RegistrarSwitches;
  /** Which managed runner a runner manager has in an organization. */
  readonly #managed: Claims;

  constructor(
    records: RunnerRecords,
    runners: Runners,
    tokens: Tokens,
    ids: Ids,
    store: Store,
    switches: RegistrarSwitches,
  ) {
    this.#records = records;
    this.#runners = runners;
    this.#tokens = tokens;
    this.#ids = ids;
    this.#switches = switches;
    this.#managed = new Claims(store, "managed-runner");
  }

  /** CreateRunner: a new registration, or the renewal of the caller's own if the caller is a runner. */
  async register(
    request: CreateRunnerRequest,
    caller: Caller,
  ): Promise<Credentials & { readonly runner: Runner }> {
    if (caller.runnerId !== undefined) {
      // It has an access token already, and would otherwise gather one more with each renewal.
      return this.#renewAsSent(caller.runnerId, request, caller.accessToken ?? "");
    }
    const runner = this.#newRunner(request, caller.subject);
    const only =
      this.#switches.secondManagedRunner === "refuse" && runner.provider === RunnerProvider.MANAGED;
    const registration = { runner, organizationId: caller.organization.id };
    if (only) await this.#claimManager(registration);
    await this.#records.add(registration, caller.subject);
    if (only) await this.#managed.keep(managerOf(registration), runner.runnerId);
    return { runner, ...(await this.#issueFor(runner.runnerId)) };
  }

  /** CreateRunnerToken: more credentials for a runner; those issued before go on working. */
  async issueCredentials(runnerId: string, caller: Caller): Promise<Credentials> {
    const document = await this.#runners.keeping(runnerId, caller);
    if (document === undefined) return { exchangeToken: this.#tokens.make("exchange"), accessToken: "" };
    const { runner } = document.value;
    if (this.#records.lease.isSelfDriven(runner) && !manages(caller, runner)) {
      throw errors.onlyManagerMayMakeTokens();
    }
    return this.#issueFor(document.id);
  }

  /** CreateRunnerLogsToken: opens the logs of one runner for an hour, and nothing else. */
  async issueLogsToken(runnerId: string, caller: Caller): Promise<string> {
    const document = await this.#runners.keeping(runnerId, caller);
    if (document === undefined) return this.#tokens.make("logs");
    const token = await this.#tokens.issue("logs", document.id);
    if (token === undefined) throw errors.runnerNotFound();
    return token;
  }

  /** ExchangeToken: uses the token up, renews its runner's lease and returns an access token for it. */
  async exchange(exchangeToken: string): Promise<string> {
    const runnerId =
      (await this.#tokens.use("exchange", exchangeToken)) ?? (await this.#runnerForUnknownToken());
    const accessToken =
      (await this.#renew(runnerId, "exchange")) && (await this.#tokens.issue("access", runnerId));
    if (!accessToken) throw errors.invalidExchangeToken();
    return accessToken;
  }

  /**
   * Whose token this is, if it is valid: of which kind, and of which runner. A call with a runner's access token
   * shows it alive, and its lease is renewed; logs are read by others.
   */
  async authenticate(bearer: string): Promise<ValidToken | undefined> {
    const kind = kindOfBearer(bearer);
    const runnerId = await this.#tokens.runnerIdOf(kind, bearer);
    if (runnerId === undefined) return undefined;
    const document =
      kind === "access" ? await this.#renew(runnerId, "call") : await this.#records.findAny(runnerId);
    return document && { kind, runnerId, organizationId: document.value.organizationId };
  }

  /** Renews or revives a registration; undefined if there is no record of it, or it is being deleted. */
  #renew(runnerId: string, sign: SignOfLife) {
    const { lease } = this.#records;
    return this.#records.change(
      runnerId,
      (found, nowMs) => lease.renew(found, nowMs, sign),
      runnerSubject(runnerId),
    );
  }

  async #renewAsSent(runnerId: string, request: CreateRunnerRequest, accessToken: string) {
    const renew = (found: RegistrationDocument, nowMs: number) => {
      const { runner } = found.value;
      mustMatch(runner, request);
      const { spec: _, ...rest } = runner;
      const updated = {
        ...rest,
        name: request.name,
        updatedAt: timestampFromMs(nowMs),
        ...this.#specOf(request),
      };
      return withRunner(found, updated);
    };
    const document = await this.#records.changeStanding(runnerId, renew, runnerSubject(runnerId));
    if (document === undefined) throw errors.runnerNotFound();
    return { runner: document.value.runner, ...(await this.#issueFor(runnerId, accessToken)) };
  }

  #newRunner(request: CreateRunnerRequest, creator: Subject): Runner {
    const now = timestampFromMs(this.#records.clock.nowMs());
    return create(RunnerSchema, {
      runnerId: this.#ids(),
      createdAt: now,
      updatedAt: now,
      creator,
      name: request.name,
      kind: kindOf(request),
      provider: request.provider,
      runnerManagerId: canonical(request.runnerManagerId),
      status: { phase: RunnerPhase.CREATED, updatedAt: now },
      ...this.#specOf(request),
    });
  }

  /** The spec as it is kept; where none was sent there is none, unless the switch gives it a desired phase. */
  #specOf({ spec }: CreateRunnerRequest): { spec?: RunnerSpec } {
    if (this.#switches.desiredPhaseOnCreate === "activate") {
      return { spec: create(RunnerSpecSchema, { ...spec, desiredPhase: RunnerPhase.ACTIVE }) };
    }
    return spec === undefined ? {} : { spec };
  }

  /** @param ownAccessToken what stands for the deprecated access token, instead of a new one */
  async #issueFor(runnerId: string, ownAccessToken?: string): Promise<Credentials> {
    const exchangeToken = await this.#tokens.issue("exchange", runnerId);
    const legacy = this.#switches.legacyAccessToken === "filled";
    const accessToken = legacy ? (ownAccessToken ?? (await this.#tokens.issue("access", runnerId))) : "";
    if (exchangeToken === undefined || accessToken === undefined) throw errors.runnerNotFound();
    return { exchangeToken, accessToken };
  }

  /** Reserves the runner manager for a runner that is about to be registered; one whose runner has lapsed is free. */
  async #claimManager(registration: Registration): Promise<void> {
    const { runnerId, runnerManagerId } = registration.runner;
    const hasLapsed = async (id: string) => (await this.#records.find(id)) === undefined;
    if (!(await this.#managed.take(managerOf(registration), runnerId, hasLapsed))) {
      throw errors.secondManagedRunner({ runnerManagerId });
    }
  }

  /** The LOCAL_CONFIGURATION runner, which the system makes for each organization. */
  async addLocalConfiguration(organizationId: string): Promise<void> {
    await this.#add("Local configuration", RunnerKind.LOCAL_CONFIGURATION, organizationId);
  }

  async #runnerForUnknownToken(): Promise<string> {
    if (this.#switches.unknownExchangeToken === "refuse") throw errors.invalidExchangeToken();
    return this.#add("Runner of an unknown token", RunnerKind.REMOTE, defaultOrganizationId);
  }

  /** Registers a runner that nobody asked for. */
  async #add(name: string, kind: RunnerKind, organizationId: string): Promise<string> {
    const runner = this.#newRunner(create(CreateRunnerRequestSchema, { name, kind }), defaultSubject);
    const permanent = kind === RunnerKind.LOCAL_CONFIGURATION;
    await this.#records.add({ runner, organizationId, permanent }, undefined);
    return runner.runnerId;
  }
}

/** A manager has its runners apart in each organization. */
function managerOf({ runner, organizationId }: Registration): Name {
  return [organizationId, runner.runnerManagerId];
}

function mustMatch(runner: Runner, request: CreateRunnerRequest): void {
  const kind = kindOf(request);
  if (kind !== runner.kind) throw mismatch("kind", RunnerKind[runner.kind], RunnerKind[kind]);
  // Whoever sends a kind sends no provider.
  if (request.provider !== RunnerProvider.UNSPECIFIED && request.provider !== runner.provider) {
    throw mismatch("provider", RunnerProvider[runner.provider], RunnerProvider[request.provider]);
  }
  if (canonical(request.runnerManagerId) !== runner.runnerManagerId) {
    throw mismatch("runner_manager_id", runner.runnerManagerId, request.runnerManagerId);
  }
}

function mismatch(field: string, registered: string | undefined, sent: string | undefined) {
  return errors.renewalMismatch({ field, registered: registered ?? "", sent: sent ?? "" }, { field });
}
