/** Server reflection, in both versions and at both addresses: what grpcurl and its like ask. */
import { create, createFileRegistry, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { describe, expect } from "vitest";
import {
  type ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflection as V1,
} from "../../src/gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as V1Alpha } from "../../src/gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { test } from "../support/control.ts";

type Question = NonNullable<MessageInitShape<typeof ServerReflectionRequestSchema>["messageRequest"]>;

async function ask(baseUrl: string | undefined, questions: Question[], version: typeof V1 = V1) {
  const client = createClient(version, createGrpcTransport({ baseUrl: baseUrl ?? "" }));
  const answers = [];
  const asked = (async function* () {
    for (const messageRequest of questions) yield { host: "a-host", messageRequest };
  })();
  for await (const answer of client.serverReflectionInfo(asked)) answers.push(answer);
  return answers;
}

function filesIn(answer: ServerReflectionResponse | undefined): FileDescriptorProto[] {
  const response = answer?.messageResponse;
  if (response?.case !== "fileDescriptorResponse") throw new Error(`answered ${response?.case}`);
  return response.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
}

/** As a registry wants them. */
function importsFirst(main: FileDescriptorProto, all: readonly FileDescriptorProto[]): FileDescriptorProto[] {
  const ordered = new Set<FileDescriptorProto>();
  const add = (file: FileDescriptorProto | undefined) => {
    if (file === undefined || ordered.has(file)) return;
    for (const name of file.dependency) add(all.find((one) => one.name === name));
    ordered.add(file);
  };
  add(main);
  return [...ordered];
}

const versions: [string, typeof V1][] = [
  ["v1", V1],
  ["v1alpha", V1Alpha as unknown as typeof V1],
];

describe.for(versions)("grpc.reflection.%s", ([, version]) => {
  test("lists the services of each address", async ({ mock }) => {
    const listed = async (baseUrl: string | undefined) => {
      const [answer] = await ask(baseUrl, [{ case: "listServices", value: "" }], version);
      const response = answer?.messageResponse;
      return response?.case === "listServicesResponse" ? response.value.service.map(({ name }) => name) : [];
    };
    expect(await listed(mock.url)).toEqual(
      expect.arrayContaining(["gitpod.v1.RunnerService", "gitpod.v1.EventService", "grpc.health.v1.Health"]),
    );
    expect(await listed(mock.controlUrl)).toContain("runnermock.v1.ControlService");
  });

  test("gives the files from which a client can be made", async ({ mock }) => {
    const [answer] = await ask(
      mock.url,
      [{ case: "fileContainingSymbol", value: "gitpod.v1.RunnerService" }],
      version,
    );
    const file = filesIn(answer);
    const [main] = file;
    if (main === undefined) throw new Error("no file was given");
    expect(main.name).toBe("gitpod/v1/runner.proto");
    const registry = createFileRegistry({
      ...create(FileDescriptorSetSchema),
      file: importsFirst(main, file),
    });
    expect(registry.getService("gitpod.v1.RunnerService")?.methods).toHaveLength(16);
    expect(answer).toMatchObject({ validHost: "a-host", originalRequest: { host: "a-host" } });
  });
});

test.for([
  ["runnermock.v1.Explanation", "runnermock/v1/explanation.proto"],
  ["buf.validate.Violations", "buf/validate/validate.proto"],
] as const)("gives the file of %s, which errors have as a detail", async ([value, name], { mock }) => {
  const [answer] = await ask(mock.url, [{ case: "fileContainingSymbol", value }]);
  const file = filesIn(answer);
  expect(file[0]?.name).toBe(name);
  expect(new Set(file.map(({ name }) => name)).size).toBe(file.length);
  const registry = createFileRegistry({
    ...create(FileDescriptorSetSchema),
    file: importsFirst(file[0] as FileDescriptorProto, file),
  });
  expect(registry.getMessage(value)).toBeDefined();
});

test("one stream answers one question after another, also those that have no answer", async ({ mock }) => {
  const answers = await ask(mock.url, [
    { case: "fileByFilename", value: "gitpod/v1/event.proto" },
    { case: "fileByFilename", value: "nothing.proto" },
    { case: "fileContainingSymbol", value: "gitpod.v1.RunnerService.CreateRunner" },
    { case: "fileContainingSymbol", value: "gitpod.v1.UpdateRunnerRequest.Spec" },
    { case: "fileContainingSymbol", value: "gitpod.v1.Nothing" },
    { case: "allExtensionNumbersOfType", value: "google.protobuf.FieldOptions" },
    {
      case: "fileContainingExtension",
      value: { containingType: "google.protobuf.FieldOptions", extensionNumber: 1159 },
    },
    {
      case: "fileContainingExtension",
      value: { containingType: "google.protobuf.FieldOptions", extensionNumber: 1 },
    },
    { case: undefined },
  ]);
  expect(
    answers.map(({ messageResponse: { case: told, value } }) =>
      told === "errorResponse" ? value.errorCode : told,
    ),
  ).toEqual([
    "fileDescriptorResponse",
    5,
    "fileDescriptorResponse",
    "fileDescriptorResponse",
    5,
    "allExtensionNumbersResponse",
    "fileDescriptorResponse",
    5,
    3,
  ]);
});
