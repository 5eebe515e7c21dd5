/**
 * How runners come into the registry and stay there: CreateRunner, the exchange of tokens, and the calls that
 * bear a runner's own token. Everything here that shows a runner alive renews its lease.
 */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  invalidExchangeToken,
  onlyManagerMayMakeTokens,
  renewalMismatch,
  runnerNotFound,
  secondManagedRunner,
} from "../errors.ts";
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
import type { Ids } from "../ids.ts";
import type { Switches } from "../profiles.ts";
import type { Collection, Store } from "../store/store.ts";
import type { Caller } from "./caller.ts";
import { defaultSubject } from "./identity.ts";
import type { SignOfLife } from "./lease.ts";
import { kindOf } from "./runner-kind.ts";
import type { RunnerRecords } from "./runner-records.ts";
import type { Tokens } from "./tokens.ts";

/** The credentials in a reply, as the wire names them. */
export interface Credentials {
  readonly exchangeToken: string;
  /** Deprecated; empty where the switch says so. */
  readonly accessToken: string;
}

type RegistrarSwitches = Pick<
  Switches,
  "desiredPhaseOnCreate" | "legacyAccessToken" | "secondManagedRunner" | "unknownExchangeToken" | "unknownIds"
>;

export class Registrar {
  readonly #records: RunnerRecords;
  readonly #tokens: Tokens;
  readonly #ids: Ids;
  readonly #switches: RegistrarSwitches;
  /** Which managed runner a runner manager has, by the manager's id. */
  readonly #managed: Collection<string>;

  constructor(records: RunnerRecords, tokens: Tokens, ids: Ids, store: Store, switches: RegistrarSwitches) {
    this.#records = records;
    this.#tokens = tokens;
    this.#ids = ids;
    this.#switches = switches;
    this.#managed = store.collection("managed-runners", { listed: false });
  }

  /** CreateRunner: a new registration, or the renewal of the caller's own if the caller is a runner. */
  async register(
    request: CreateRunnerRequest,
    caller: Caller,
  ): Promise<Credentials & { readonly runner: Runner }> {
    if (caller.runnerId !== undefined) return this.#renewAsSent(caller.runnerId, request);
    const runner = this.#newRunner(request, caller.subject);
    if (this.#switches.secondManagedRunner === "refuse") await this.#claimManager(runner);
    await this.#records.add({ runner });
    return { runner, ...(await this.#issueFor(runner.runnerId)) };
  }

  /** CreateRunnerToken: more credentials for a runner; those issued before go on working. */
  async issueCredentials(runnerId: string, caller: Caller): Promise<Credentials> {
    const document = await this.#records.find(runnerId);
    if (document === undefined) {
      if (this.#switches.unknownIds === "not-found") throw runnerNotFound();
      return { exchangeToken: this.#tokens.make("exchange"), accessToken: "" };
    }
    if (document.value.deleting) throw runnerNotFound();
    if (this.#records.lease.isSelfDriven(document.value.runner) && caller.runnerId !== runnerId) {
      throw onlyManagerMayMakeTokens();
    }
    return this.#issueFor(runnerId);
  }

  /** ExchangeToken: uses the token up, renews its runner's lease and returns an access token for it. */
  async exchange(exchangeToken: string): Promise<string> {
    const runnerId =
      (await this.#tokens.use("exchange", exchangeToken)) ?? (await this.#runnerForUnknownToken());
    if (!(await this.#renew(runnerId, "exchange"))) throw invalidExchangeToken();
    return this.#tokens.issue("access", runnerId);
  }

  /** The runner whose access token this is, if it is valid. The call shows it alive: its lease is renewed. */
  async authenticate(accessToken: string): Promise<string | undefined> {
    const runnerId = await this.#tokens.runnerIdOf("access", accessToken);
    return runnerId !== undefined && (await this.#renew(runnerId, "call")) ? runnerId : undefined;
  }

  /** Renews or revives a registration; false if there is no record of it. */
  async #renew(runnerId: string, sign: SignOfLife): Promise<boolean> {
    const { lease } = this.#records;
    const document = await this.#records.change(runnerId, (found, nowMs) => lease.renew(found, nowMs, sign));
    return document !== undefined;
  }

  async #renewAsSent(runnerId: string, request: CreateRunnerRequest) {
    const document = await this.#records.changeStanding(runnerId, (found, nowMs) => {
      const { runner } = found.value;
      mustMatch(runner, request);
      const { spec: _, ...rest } = runner;
      const updated = {
        ...rest,
        name: request.name,
        updatedAt: timestampFromMs(nowMs),
        ...this.#specOf(request),
      };
      return { ...found, value: { ...found.value, runner: updated } };
    });
    if (document === undefined) throw runnerNotFound();
    return { runner: document.value.runner, ...(await this.#issueFor(runnerId)) };
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
      runnerManagerId: request.runnerManagerId,
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

  async #issueFor(runnerId: string): Promise<Credentials> {
    const exchangeToken = await this.#tokens.issue("exchange", runnerId);
    const legacy = this.#switches.legacyAccessToken === "filled";
    return { exchangeToken, accessToken: legacy ? await this.#tokens.issue("access", runnerId) : "" };
  }

  async #claimManager(runner: Runner): Promise<void> {
    if (runner.provider !== RunnerProvider.MANAGED) return;
    const claim = { id: runner.runnerManagerId, value: runner.runnerId, owner: runner.runnerId };
    while (!(await this.#managed.put(claim, "absent"))) {
      const held = await this.#managed.get(claim.id);
      if (held === undefined) continue;
      if ((await this.#records.find(held.value)) !== undefined)
        throw secondManagedRunner(runner.runnerManagerId);
      await this.#managed.take(claim.id);
    }
  }

  /** The LOCAL_CONFIGURATION runner, which the system makes for each organization. */
  async addLocalConfiguration(): Promise<void> {
    await this.#add("Local configuration", RunnerKind.LOCAL_CONFIGURATION);
  }

  async #runnerForUnknownToken(): Promise<string> {
    if (this.#switches.unknownExchangeToken === "refuse") throw invalidExchangeToken();
    return this.#add("Runner of an unknown token", RunnerKind.REMOTE);
  }

  /** Registers a runner that nobody asked for. */
  async #add(name: string, kind: RunnerKind): Promise<string> {
    const runner = this.#newRunner(create(CreateRunnerRequestSchema, { name, kind }), defaultSubject);
    await this.#records.add({ runner });
    return runner.runnerId;
  }
}

function mustMatch(runner: Runner, request: CreateRunnerRequest): void {
  const kind = kindOf(request);
  if (kind !== runner.kind) throw renewalMismatch("kind", RunnerKind[runner.kind], RunnerKind[kind]);
  // Whoever sends a kind sends no provider.
  if (request.provider !== RunnerProvider.UNSPECIFIED && request.provider !== runner.provider) {
    throw renewalMismatch("provider", RunnerProvider[runner.provider], RunnerProvider[request.provider]);
  }
  if (request.runnerManagerId !== runner.runnerManagerId) {
    throw renewalMismatch("runner_manager_id", runner.runnerManagerId, request.runnerManagerId);
  }
}
