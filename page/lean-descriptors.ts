/**
 * Makes the descriptors of the generated messages small, a fifth of the page's script otherwise: fields stay only where
 * the control service leads to them, and what is left stands as text, which compresses better than base64.
 */
import { type DescMessage, type DescService, fromBinary, toBinary } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { type DescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { Plugin } from "vite";

/** @param service the only one that is called */
export function leanDescriptors(service: DescService): Plugin {
  const used = messagesOf(service);
  return {
    name: "lean-descriptors",
    enforce: "pre",
    transform(code, id) {
      if (!id.endsWith("_pb.ts")) return undefined;
      const lean = code.replace(/fileDesc\("([^"]+)"/, (_, base64: string) => {
        const file = fromBinary(FileDescriptorProtoSchema, base64Decode(base64));
        // Places in the file stay: it is by them that the code finds its messages.
        for (const message of file.messageType) empty(message, file.package, used);
        file.extension = [];
        const text = Buffer.from(toBinary(FileDescriptorProtoSchema, file)).toString("latin1");
        return `fileDesc(btoa(${JSON.stringify(text)})`;
      });
      return { code: lean, map: null };
    },
  };
}

/** The names of all messages that the service's RPCs lead to. */
function messagesOf({ methods }: DescService): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = ({ typeName, fields }: DescMessage) => {
    if (found.has(typeName)) return;
    found.add(typeName);
    for (const { message } of fields) if (message !== undefined) visit(message);
  };
  for (const { input, output } of methods) [input, output].forEach(visit);
  return found;
}

/** Takes the fields from messages that are not used, and the rules of validation from those that are. */
function empty(message: DescriptorProto, scope: string, used: ReadonlySet<string>): void {
  const name = `${scope}.${message.name}`;
  delete message.options?.$unknown;
  for (const { options } of [...message.field, ...message.oneofDecl]) delete options?.$unknown;
  if (!used.has(name)) {
    message.field = [];
    message.oneofDecl = [];
    message.extension = [];
  }
  // The entries of a map are as their message is.
  for (const nested of message.nestedType)
    empty(
      nested,
      name,
      nested.options?.mapEntry && used.has(name) ? new Set([`${name}.${nested.name}`]) : used,
    );
}
