/**
 * What can be configured on runners where no state document says otherwise: what AWS, Google Cloud, a Linux machine
 * and a runner manager have to offer, the names of the fields as the official Terraform provider sends them.
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { RunnerProvider } from "./gen/gitpod/v1/runner_configuration_pb.ts";
import type { ProviderSchemaSchema } from "./gen/runnermock/v1/state_pb.ts";

type ProviderSchema = MessageInitShape<typeof ProviderSchemaSchema>;
type Schema = Exclude<ProviderSchema["schema"], undefined>;
type Field = Exclude<Schema["environmentClasses"], undefined>[number];

interface MachineType {
  readonly title: string;
  readonly cpus: number;
  readonly memoryGb: number;
}

/** A family of machines, from its smallest number of CPUs on, each twice as large as the one before. */
function family(cpus: readonly number[], gbPerCpu: number, titleOf: (cpus: number) => string): MachineType[] {
  return cpus.map((count) => ({ title: titleOf(count), cpus: count, memoryGb: count * gbPerCpu }));
}

const ec2Sizes: Readonly<Record<number, string>> = {
  2: "large",
  4: "xlarge",
  8: "2xlarge",
  16: "4xlarge",
  32: "8xlarge",
};
const ec2 = (name: string, gbPerCpu: number) =>
  family([2, 4, 8, 16, 32], gbPerCpu, (cpus) => `${name}.${ec2Sizes[cpus]}`);
const gce = (name: string, gbPerCpu: number) =>
  family([2, 4, 8, 16, 32], gbPerCpu, (cpus) => `${name}-${cpus}`);

function machineType(types: readonly MachineType[], preset: string): Field {
  const possibleValues = types.map(({ title, cpus, memoryGb }) => ({
    title,
    subtitle: `${cpus} vCPU / ${memoryGb} GB memory`,
  }));
  const defaultValue = possibleValues.find(({ title }) => title === preset) ?? {};
  const values = possibleValues.map(({ title }) => title);
  return {
    id: "machineType",
    name: "Machine type",
    description: "The virtual machine that an environment runs on",
    required: true,
    type: { case: "enum", value: { default: preset, values, defaultValue, possibleValues } },
  };
}

const diskSizeGb: Field = {
  id: "diskSizeGb",
  name: "Disk size",
  description: "How large an environment's disk is, in GB",
  type: { case: "int", value: { default: 80, min: 30, max: 2_000 } },
};

const spot: Field = {
  id: "spot",
  name: "Spot instances",
  description: "Whether cheaper machines are used that can be taken away at any time",
  type: { case: "bool", value: { default: false } },
};

const imageId = (pattern: string): Field => ({
  id: "imageId",
  name: "Machine image",
  description: "The image that machines start from, instead of the runner's own",
  type: { case: "string", value: { pattern } },
});

const amount = (id: string, name: string, description: string, preset: number, max: number): Field => ({
  id,
  name,
  description,
  required: true,
  type: { case: "int", value: { default: preset, min: 1, max } },
});

/** As the reference's own example of an environment class has it. */
const cpuAndMemory: Field[] = [
  amount("cpu", "CPUs", "How many an environment may use", 4, 256),
  amount("memory", "Memory", "How much an environment may use, in MB", 8_192, 1_048_576),
];

const region = (name: string): Field => ({
  id: "region",
  name: "Region",
  description: "Where the runner is; it cannot be moved",
  type: { case: "display", value: { default: name } },
});

const oauth = { callbackUrl: "https://app.gitpod.io/auth/oauth2/callback" };

const pat = (docsLink: string) => ({
  description: "Make a token that can read and write repositories",
  docsLink,
});

const azurePat = pat("https://learn.microsoft.com/azure/devops/");

const scm: Schema["scm"] = [
  {
    scmId: "github",
    name: "GitHub",
    defaultHosts: ["github.com"],
    oauth,
    pat: pat("https://docs.github.com"),
  },
  {
    scmId: "gitlab",
    name: "GitLab",
    defaultHosts: ["gitlab.com"],
    oauth,
    pat: pat("https://docs.gitlab.com"),
  },
  {
    scmId: "bitbucket",
    name: "Bitbucket",
    defaultHosts: ["bitbucket.org"],
    oauth,
    pat: pat("https://support.atlassian.com/bitbucket-cloud/"),
  },
  { scmId: "azuredevops", name: "Azure DevOps", defaultHosts: ["dev.azure.com"], oauth, pat: azurePat },
  { scmId: "azuredevops_entra", name: "Azure DevOps (Entra ID)", defaultHosts: ["dev.azure.com"], oauth },
  { scmId: "azuredevops_server", name: "Azure DevOps Server", pat: azurePat },
];

const version = "1";

export const defaultSchemas: ProviderSchema[] = [
  {
    provider: RunnerProvider.AWS_EC2,
    schema: {
      version,
      runnerConfig: [region("us-east-1")],
      environmentClasses: [
        machineType([...ec2("m6i", 4), ...ec2("m7i", 4), ...ec2("c6i", 2), ...ec2("r6i", 8)], "m6i.xlarge"),
        diskSizeGb,
        spot,
        imageId("^(ami-[0-9a-f]{8,17})?$"),
      ],
      scm,
    },
  },
  {
    provider: RunnerProvider.GCP,
    schema: {
      version,
      runnerConfig: [region("us-central1")],
      environmentClasses: [
        machineType(
          [
            ...gce("n2-standard", 4),
            ...gce("e2-standard", 4),
            ...gce("c3-standard", 4),
            ...gce("n2-highmem", 8),
          ],
          "n2-standard-4",
        ),
        diskSizeGb,
        spot,
        imageId("^([a-z][a-z0-9-]*/)*[a-z0-9-]*$"),
      ],
      scm,
    },
  },
  {
    provider: RunnerProvider.MANAGED,
    schema: {
      version,
      environmentClasses: [
        machineType(
          [
            { title: "small", cpus: 2, memoryGb: 8 },
            { title: "regular", cpus: 4, memoryGb: 16 },
            { title: "large", cpus: 8, memoryGb: 32 },
          ],
          "regular",
        ),
      ],
      scm,
    },
  },
  { provider: RunnerProvider.LINUX_HOST, schema: { version, environmentClasses: cpuAndMemory, scm } },
  // Runners of which only the kind is known, of the desktop, of the vendor's own development.
  { provider: RunnerProvider.UNSPECIFIED, schema: { version, environmentClasses: cpuAndMemory, scm } },
];
