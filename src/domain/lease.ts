/**
 * The registration lease. A registration stands for the length of its lease and lapses unless it is renewed; a
 * lapsed one is hidden from everybody, but its record is kept while one of its credentials lives, so that the
 * runner can register itself again. What follows for phases is here too, and nowhere else.
 */
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { RunnerProvider } from "../gen/gitpod/v1/runner_configuration_pb.ts";
import { type Runner, RunnerPhase, type RunnerStatus } from "../gen/gitpod/v1/runner_pb.ts";
import type { Switches } from "../profiles.ts";
import type { Document, Owned } from "../store/store.ts";
import { credentialCollections } from "./tokens.ts";

/** A managed runner comes up by itself (LIVE); how fast is not known. */
const selfDrivenStartMs = 1_000;
/** After DeleteRunner the live service goes on answering "for a short while" (LIVE). */
const deletingMs = 2_000;

/** What is kept of a runner. */
export interface Registration {
  readonly runner: Runner;
  /** The organization that the runner belongs to. */
  readonly organizationId: string;
  /** Set once DeleteRunner was called, where that leaves the runner for a while. */
  readonly deleting?: boolean;
  /** Set for the LOCAL_CONFIGURATION runner of the system, which nobody renews or deletes. */
  readonly permanent?: boolean;
}

/** A registration in the store: it expires when its lease ends, and is hidden once it has lapsed. */
export type RegistrationDocument = Document<Registration>;

export interface LeaseTerms {
  readonly leaseMs: number;
  /** How long a lapsed record is kept at most. */
  readonly lapsedTtlMs: number;
  readonly switches: Pick<Switches, "lapse" | "managedRunners" | "delete">;
}

/** How a runner showed that it is alive; `order`: it did not, but is to be taken as if. */
export type SignOfLife = "exchange" | "call" | "order";

export class Lease {
  readonly #terms: LeaseTerms;

  constructor(terms: LeaseTerms) {
    this.#terms = terms;
  }

  /** How long it is. */
  get lengthMs(): number {
    return this.#terms.leaseMs;
  }

  /** When it ends; undefined for a registration that has none, or one that never ends or has ended. */
  endsAtMs(document: RegistrationDocument): number | undefined {
    return this.hasLease(document) && !document.hidden ? document.expiresAtMs : undefined;
  }

  /** A registration that starts now. */
  start(registration: Registration, nowMs: number): RegistrationDocument {
    const { runner, permanent } = registration;
    const endsAtMs = permanent ? undefined : this.#renewedUntilMs(nowMs);
    const expiresAtMs = this.isSelfDriven(runner) ? nowMs + selfDrivenStartMs : endsAtMs;
    return { id: runner.runnerId, value: registration, expiresAtMs };
  }

  /** The registration renewed, or revived if it had lapsed; undefined where it is being deleted. */
  renew(document: RegistrationDocument, nowMs: number, sign: SignOfLife): RegistrationDocument | undefined {
    const { runner, deleting } = document.value;
    if (deleting) return undefined;
    if (this.isSelfDriven(runner)) return document;
    const renewed = withPhase(runner, phaseAfter(sign, document), nowMs);
    const expiresAtMs = this.#renewedUntilMs(nowMs);
    return { ...withRunner(document, renewed), expiresAtMs, hidden: false };
  }

  /** The registration with its lease at an end; undefined where it has none. */
  end(document: RegistrationDocument, nowMs: number): RegistrationDocument | undefined {
    if (document.hidden) return document;
    return this.hasLease(document) ? { ...document, expiresAtMs: nowMs } : undefined;
  }

  /** Whether the registration stands on a lease: not where it lives by itself, is permanent or on its way out. */
  hasLease({ value: { runner, permanent, deleting } }: RegistrationDocument): boolean {
    return !permanent && !deleting && !this.isSelfDriven(runner);
  }

  /** What DeleteRunner leaves for a while, or undefined where it leaves nothing. */
  delete(document: RegistrationDocument, nowMs: number): RegistrationDocument | undefined {
    if (this.#terms.switches.delete === "at-once" || document.hidden) return undefined;
    if (document.value.deleting) return document;
    const runner = withPhase(document.value.runner, RunnerPhase.DELETING, nowMs);
    return {
      ...document,
      value: { ...document.value, runner, deleting: true },
      expiresAtMs: nowMs + deletingMs,
    };
  }

  /** What becomes of a registration at the moment at which it expires; undefined: it is gone. */
  readonly expire = (document: RegistrationDocument, owned: Owned): RegistrationDocument | undefined => {
    const { value, expiresAtMs: nowMs = 0 } = document;
    const { runner } = value;
    if (document.hidden || value.deleting) return undefined;
    if (this.isSelfDriven(runner)) {
      const started = withPhase(runner, RunnerPhase.ACTIVE, nowMs);
      return { ...withRunner(document, started), expiresAtMs: undefined };
    }
    if (this.#terms.switches.lapse === "deactivate") {
      const created = runner.status?.phase === RunnerPhase.CREATED;
      const silent = created ? runner : withPhase(runner, RunnerPhase.INACTIVE, nowMs);
      return { ...withRunner(document, silent), expiresAtMs: undefined };
    }
    const purgeAtMs = Math.min(nowMs + this.#terms.lapsedTtlMs, lastCredentialEndsAtMs(owned));
    return purgeAtMs > nowMs ? { ...document, expiresAtMs: purgeAtMs, hidden: true } : undefined;
  };

  /** Whether the runner lives by itself, without lease or sign-up: a managed one, where the switch says so. */
  isSelfDriven(runner: Runner): boolean {
    return (
      this.#terms.switches.managedRunners === "self-driven" && runner.provider === RunnerProvider.MANAGED
    );
  }

  #renewedUntilMs(nowMs: number): number | undefined {
    return this.#terms.switches.lapse === "never" ? undefined : nowMs + this.#terms.leaseMs;
  }
}

/** When the last credential of a registration stops working; it may have none any more. */
function lastCredentialEndsAtMs(owned: Owned): number {
  return credentialCollections
    .flatMap((collection) => owned(collection))
    .reduce((endMs, { expiresAtMs = Number.POSITIVE_INFINITY }) => Math.max(endMs, expiresAtMs), 0);
}

/** Created → INACTIVE by the exchange of its token → ACTIVE by its first call; a revived one starts over. */
function phaseAfter(sign: SignOfLife, { value, hidden }: RegistrationDocument): RunnerPhase {
  const phase = value.runner.status?.phase ?? RunnerPhase.UNSPECIFIED;
  if (sign === "order") return hidden ? RunnerPhase.INACTIVE : phase;
  if (sign === "exchange") return hidden || phase === RunnerPhase.CREATED ? RunnerPhase.INACTIVE : phase;
  const silent = phase === RunnerPhase.CREATED || phase === RunnerPhase.INACTIVE;
  return hidden || silent ? RunnerPhase.ACTIVE : phase;
}

/** The registration with its runner replaced; everything else stays. */
export function withRunner(document: RegistrationDocument, runner: Runner): RegistrationDocument {
  return { ...document, value: { ...document.value, runner } };
}

function withPhase(runner: Runner, phase: RunnerPhase, nowMs: number): Runner {
  return runner.status?.phase === phase ? runner : withStatus(runner, { phase }, nowMs);
}

/** The runner with some of its status replaced, as of now. */
export function withStatus(runner: Runner, changes: Partial<RunnerStatus>, nowMs: number): Runner {
  const { status } = runner;
  if (status === undefined) throw new Error(`runner ${runner.runnerId} was stored without a status`);
  return { ...runner, status: { ...status, ...changes, updatedAt: timestampFromMs(nowMs) } };
}
