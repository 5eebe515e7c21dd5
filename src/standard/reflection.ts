/** gRPC's server reflection: tools ask what they can call. Both versions say the same. */
import { type DescFile, type DescService, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import type {
  ServerReflectionRequest,
  ServerReflectionResponseSchema,
} from "../gen/grpc/reflection/v1/reflection_pb.ts";

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>["messageResponse"]>;

/** @param details files of messages that no RPC names, but errors carry: before an import of the same name */
export function createReflection(services: readonly DescService[], details: readonly DescFile[]) {
  let catalogue: Catalogue | undefined;
  return async function* serverReflectionInfo(questions: AsyncIterable<ServerReflectionRequest>) {
    for await (const question of questions) {
      catalogue ??= new Catalogue(services, details);
      const { host: validHost, messageRequest } = question;
      yield {
        validHost,
        originalRequest: { host: validHost, messageRequest },
        messageResponse: catalogue.answer(messageRequest),
      };
    }
  };
}

class Catalogue {
  readonly #services: readonly DescService[];
  readonly #files = new Map<string, DescFile>();
  readonly #fileOf = new Map<string, DescFile>();

  constructor(services: readonly DescService[], details: readonly DescFile[]) {
    this.#services = services;
    for (const file of [...details, ...services.map(({ file }) => file)]) this.#add(file);
  }

  answer({ case: asked, value }: ServerReflectionRequest["messageRequest"]): Answer {
    switch (asked) {
      case "listServices": {
        const service = this.#services.map(({ typeName: name }) => ({ name }));
        return { case: "listServicesResponse", value: { service } };
      }
      case "fileByFilename":
        return this.#withImports(this.#files.get(value), `file ${value}`);
      case "fileContainingSymbol":
        return this.#withImports(this.#fileOf.get(value), `symbol ${value}`);
      case "fileContainingExtension": {
        const { containingType, extensionNumber } = value;
        const file = this.#extensionsOf(containingType).find(
          ({ number }) => number === extensionNumber,
        )?.file;
        return this.#withImports(file, `extension ${extensionNumber} of ${containingType}`);
      }
      case "allExtensionNumbersOfType": {
        if (!this.#fileOf.has(value)) return notFound(`type ${value}`);
        const extensionNumber = this.#extensionsOf(value).map(({ number }) => number);
        return { case: "allExtensionNumbersResponse", value: { baseTypeName: value, extensionNumber } };
      }
      default:
        return refusal(Code.InvalidArgument, "the request asks for nothing");
    }
  }

  #extensionsOf(typeName: string) {
    return [...this.#files.values()]
      .flatMap(({ extensions }) => extensions)
      .filter(({ extendee }) => extendee.typeName === typeName);
  }

  /** The file, then what it imports: so a tool needs not ask again. */
  #withImports(file: DescFile | undefined, what: string): Answer {
    if (file === undefined) return notFound(what);
    const files = new Set<DescFile>();
    const collect = (one: DescFile) => {
      if (files.has(one)) return;
      files.add(one);
      for (const imported of one.dependencies) collect(this.#files.get(imported.proto.name) ?? imported);
    };
    collect(file);
    const fileDescriptorProto = [...files].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
    return { case: "fileDescriptorResponse", value: { fileDescriptorProto } };
  }

  #add(file: DescFile): void {
    const { name } = file.proto;
    if (this.#files.has(name)) return;
    this.#files.set(name, file);
    for (const { typeName, methods } of file.services) {
      this.#fileOf.set(typeName, file);
      for (const method of methods) this.#fileOf.set(`${typeName}.${method.name}`, file);
    }
    for (const { typeName } of [...file.messages, ...file.enums, ...file.extensions])
      this.#fileOf.set(typeName, file);
    for (const message of file.messages) this.#addNested(message, file);
    for (const dependency of file.dependencies) this.#add(dependency);
  }

  #addNested({ nestedMessages, nestedEnums }: DescFile["messages"][number], file: DescFile): void {
    for (const { typeName } of [...nestedMessages, ...nestedEnums]) this.#fileOf.set(typeName, file);
    for (const nested of nestedMessages) this.#addNested(nested, file);
  }
}

function notFound(what: string): Answer {
  return refusal(Code.NotFound, `there is no ${what} here`);
}

function refusal(errorCode: Code, errorMessage: string): Answer {
  return { case: "errorResponse", value: { errorCode, errorMessage } };
}
