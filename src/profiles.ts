/**
 * Every place where the reference and the live service differ, or where a test wants it easier, is one switch
 * here; a profile is a column. docs/fidelity.md says how each value is known.
 */

/** How the mock behaves unless a switch says otherwise. */
export const profiles = ["documented", "observed", "permissive"] as const;
export type Profile = (typeof profiles)[number];

interface SwitchRow {
  /** What the switch decides, as `--help` says it. */
  readonly decides: string;
  readonly values: readonly string[];
  readonly documented: string;
  readonly observed: string;
  readonly permissive: string;
}

export const switchTable = {
  lapse: {
    decides: "what an unrenewed lease does: remove the runner, only mark it INACTIVE, or nothing",
    values: ["remove", "deactivate", "never"],
    documented: "remove",
    observed: "deactivate",
    permissive: "never",
  },
  validation: {
    decides: "whether requests are held against the schema's rules",
    values: ["strict", "off"],
    documented: "strict",
    observed: "strict",
    permissive: "off",
  },
  unknownJson: {
    decides: "what unknown JSON fields and enum names do: get refused with their path, or ignored",
    values: ["refuse", "ignore"],
    documented: "refuse",
    observed: "ignore",
    permissive: "ignore",
  },
  unknownIds: {
    decides: "what an unknown id reads as: not_found, or an otherwise empty message",
    values: ["not-found", "empty"],
    documented: "not-found",
    observed: "not-found",
    permissive: "empty",
  },
  unknownExchangeToken: {
    decides:
      "what an unknown, used or expired exchange token does: get refused, or exchanged as a fresh runner's",
    values: ["refuse", "exchange"],
    documented: "refuse",
    observed: "refuse",
    permissive: "exchange",
  },
  desiredPhaseOnCreate: {
    decides: "whether CreateRunner keeps spec.desired_phase as sent or makes it ACTIVE",
    values: ["keep", "activate"],
    documented: "keep",
    observed: "activate",
    permissive: "keep",
  },
  desiredPhaseOnUpdate: {
    decides:
      "which runners UpdateRunner may give another spec.desired_phase: the LOCAL_CONFIGURATION one, none, or all",
    values: ["local-configuration", "refuse", "take"],
    documented: "local-configuration",
    observed: "refuse",
    permissive: "take",
  },
  localConfigurationRunner: {
    decides: "whether the organization's LOCAL_CONFIGURATION runner exists",
    values: ["absent", "present"],
    documented: "absent",
    observed: "present",
    permissive: "absent",
  },
  secondManagedRunner: {
    decides: "whether a runner manager may have a second managed runner",
    values: ["allow", "refuse"],
    documented: "allow",
    observed: "refuse",
    permissive: "allow",
  },
  managedRunners: {
    decides: "whether managed runners are as others, or live by themselves and heed only their manager",
    values: ["plain", "self-driven"],
    documented: "plain",
    observed: "self-driven",
    permissive: "plain",
  },
  delete: {
    decides: "whether DeleteRunner acts at once, or leaves the runner DELETING for 2 seconds",
    values: ["at-once", "deferred"],
    documented: "at-once",
    observed: "deferred",
    permissive: "at-once",
  },
  adminPolicies: {
    decides: "whether CreateRunnerPolicy takes the role ADMIN, or only USER",
    values: ["take", "refuse"],
    documented: "take",
    observed: "take",
    permissive: "take",
  },
  auditLogs: {
    decides: "whether ListAuditLogs answers every organization, or only those of the enterprise tier",
    values: ["answer", "enterprise-only"],
    documented: "answer",
    observed: "enterprise-only",
    permissive: "answer",
  },
  legacyAccessToken: {
    decides: "whether the deprecated access_token in replies is filled, and works, or empty",
    values: ["filled", "empty"],
    documented: "filled",
    observed: "empty",
    permissive: "filled",
  },
  metricsPassword: {
    decides: "whether metrics.password is returned as sent, or blank",
    values: ["as-sent", "blank"],
    documented: "as-sent",
    observed: "blank",
    permissive: "as-sent",
  },
} as const satisfies Record<string, SwitchRow>;

export type SwitchName = keyof typeof switchTable;

/** One chosen value for each switch. */
export type Switches = { readonly [Name in SwitchName]: (typeof switchTable)[Name]["values"][number] };

/** The switches of a profile, with those that were set on their own on top. */
export function switchesOf(profile: Profile, overrides: Partial<Switches> = {}): Switches {
  const names = Object.keys(switchTable) as SwitchName[];
  return Object.fromEntries(
    names.map((name) => [name, overrides[name] ?? switchTable[name][profile]]),
  ) as unknown as Switches;
}
