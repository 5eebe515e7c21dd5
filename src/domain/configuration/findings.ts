/**
 * What is wrong with a configuration, in words for people: values held against the fields of a schema, environment
 * classes and SCM integrations as a whole. No value is told: it may be one that has to be kept from view.
 */
import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { create } from "@bufbuild/protobuf";
import { errorTable } from "../../errors.ts";
import {
  type EnvironmentClass,
  EnvironmentClassSchema,
  type EnvironmentClassValidationResult,
  EnvironmentClassValidationResultSchema,
  type FieldValidationError,
  FieldValidationErrorSchema,
  type FieldValue,
  type RunnerConfigurationSchema,
  type RunnerConfigurationSchema_Field,
  type SCMIntegrationValidationResult,
  SCMIntegrationValidationResultSchema,
  type ValidateRunnerConfigurationRequest_ValidateSCMIntegration,
} from "../../gen/gitpod/v1/runner_configuration_pb.ts";
import { violationsOf } from "../../validators.ts";
import { setFields } from "../set-fields.ts";

type Field = RunnerConfigurationSchema_Field;

/** One for each value that is wrong, unknown, given twice, or missing. */
export function configurationFindings(
  fields: readonly Field[],
  values: readonly FieldValue[],
): FieldValidationError[] {
  const known = new Map(fields.map((field) => [field.id, field]));
  const given = new Set<string>();
  const found = values.flatMap(({ key, value }) => {
    const field = known.get(key);
    if (field === undefined) return finding(key, "there is no such field");
    if (given.has(key)) return finding(key, "is given twice");
    given.add(key);
    return finding(key, problemWith(field, value));
  });
  const missing = fields.filter(({ id, required }) => required && !given.has(id));
  return [...found, ...missing.flatMap(({ id }) => finding(id, "is required"))];
}

function finding(key: string, error: string | undefined): FieldValidationError[] {
  return error === undefined ? [] : [create(FieldValidationErrorSchema, { key, error })];
}

function problemWith({ required, type }: Field, value: string): string | undefined {
  if (required && value === "") return "is required";
  switch (type.case) {
    case "string": {
      const { pattern } = type.value;
      return pattern === "" || new RegExp(pattern, "u").test(value) ? undefined : `must match ${pattern}`;
    }
    case "bool":
      return value === "true" || value === "false" ? undefined : "must be true or false";
    case "int":
      return isWithin(type.value, value) ? undefined : `must be a whole number ${boundsOf(type.value)}`;
    case "enum": {
      const { values, possibleValues } = type.value;
      const titles = [...new Set([...possibleValues.map(({ title }) => title), ...values])];
      return titles.includes(value) ? undefined : `must be one of ${titles.join(", ")}`;
    }
    case "display":
      return "takes no value: it only shows something";
    case undefined:
      return undefined;
  }
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

const int32: Bounds = { min: -(2 ** 31), max: 2 ** 31 - 1 };

/** Where both are 0 none are set. */
const isBounded = ({ min, max }: Bounds) => min !== 0 || max !== 0;

function isWithin(bounds: Bounds, text: string): boolean {
  const { min, max } = isBounded(bounds) ? bounds : int32;
  return /^-?\d{1,10}$/.test(text) && Number(text) >= min && Number(text) <= max;
}

function boundsOf(bounds: Bounds): string {
  return isBounded(bounds) ? `from ${bounds.min} to ${bounds.max}` : "of 32 bits";
}

/** The rules of its texts are those of its message. */
export async function classFindings(
  schema: RunnerConfigurationSchema,
  environmentClass: EnvironmentClass,
): Promise<EnvironmentClassValidationResult> {
  const { display_name: displayNameError, description: descriptionError } = await problemsByField(
    EnvironmentClassSchema,
    environmentClass,
  );
  const configurationErrors = configurationFindings(
    schema.environmentClasses,
    environmentClass.configuration,
  );
  const wrong = setFields({ displayNameError, descriptionError });
  const valid = Object.keys(wrong).length + configurationErrors.length === 0;
  return create(EnvironmentClassValidationResultSchema, { valid, ...wrong, configurationErrors });
}

/** What is wrong with each field, by its name in the schema. */
async function problemsByField<Desc extends DescMessage>(desc: Desc, message: MessageShape<Desc>) {
  const violations = await violationsOf(desc, message);
  return Object.fromEntries(
    violations.map(({ field: [first], message }) => [first?.kind === "field" ? first.name : "", message]),
  ) as Readonly<Record<string, string | undefined>>;
}

/** What a runner makes of an SCM integration besides its schema. */
export interface ScmSurroundings {
  readonly schema: RunnerConfigurationSchema;
  /** Whether it may have any. */
  readonly mayHaveIntegrations: boolean;
  readonly hasPublicKey: boolean;
  /** Whether another one has the same host and scm_id. */
  readonly isTaken: boolean;
}

type ScmIntegration = ValidateRunnerConfigurationRequest_ValidateSCMIntegration;

export function scmFindings(
  integration: ScmIntegration,
  surroundings: ScmSurroundings,
): SCMIntegrationValidationResult {
  const wrong = setFields({
    scmIdError: problemWithScmId(integration, surroundings),
    hostError: problemWithHost(integration, surroundings),
    oauthError: problemWithOAuth(integration, surroundings),
    patError: problemWithPat(integration, surroundings),
  });
  return create(SCMIntegrationValidationResultSchema, { valid: Object.keys(wrong).length === 0, ...wrong });
}

const scmOf = ({ scmId }: ScmIntegration, { schema }: ScmSurroundings) =>
  schema.scm.find((scm) => scm.scmId === scmId);

function problemWithScmId(integration: ScmIntegration, surroundings: ScmSurroundings): string | undefined {
  if (!surroundings.mayHaveIntegrations) return errorTable.onlyOwnScmIntegrations.text;
  if (scmOf(integration, surroundings)) return undefined;
  return `must be one of ${surroundings.schema.scm.map(({ scmId }) => scmId).join(", ")}`;
}

/** A name, perhaps with a port; Azure DevOps' are followed by the organization. */
const hostPattern = /^[^\s/:@?#]+(:\d{1,5})?(\/[^\s?#]+)?$/;

function problemWithHost({ host }: ScmIntegration, { isTaken }: ScmSurroundings): string | undefined {
  if (!hostPattern.test(host)) return "must be the name of a host, such as github.com";
  return isTaken ? errorTable.scmIntegrationExists.text : undefined;
}

function problemWithOAuth(integration: ScmIntegration, surroundings: ScmSurroundings): string | undefined {
  const { id, oauthClientId = "", oauthClientSecret: secret, issuerUrl = "" } = integration;
  const hasSecret = secret.case !== undefined && secret.value.length > 0;
  if (oauthClientId === "") {
    return hasSecret || issuerUrl !== "" ? "a client secret or an issuer needs a client id" : undefined;
  }
  const scm = scmOf(integration, surroundings);
  if (scm !== undefined && scm.oauth === undefined) return `${scm.name} has no OAuth`;
  // One that is stored has its secret already.
  if (id === "" && !hasSecret) return "a client id needs a client secret";
  if (issuerUrl !== "" && !URL.canParse(issuerUrl)) return "the issuer must be a URL";
  const isToBeSealed = secret.case === "oauthPlaintextClientSecret" && hasSecret;
  return isToBeSealed && !surroundings.hasPublicKey ? errorTable.noPublicKey.text : undefined;
}

function problemWithPat(integration: ScmIntegration, surroundings: ScmSurroundings): string | undefined {
  const scm = scmOf(integration, surroundings);
  if (!integration.pat) {
    return integration.oauthClientId ? undefined : "without OAuth there have to be personal access tokens";
  }
  return scm !== undefined && scm.pat === undefined ? `${scm.name} has no personal access tokens` : undefined;
}
