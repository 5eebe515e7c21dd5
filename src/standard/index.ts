/** The services that every gRPC server has, for the tools that ask for them: they know no worlds and need no bearer. */
import type { DescService } from "@bufbuild/protobuf";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { ConnectRouter, Interceptor } from "@connectrpc/connect";
import { Health } from "../gen/grpc/health/v1/health_pb.ts";
import { ServerReflection as ReflectionV1 } from "../gen/grpc/reflection/v1/reflection_pb.ts";
import { ServerReflection as ReflectionV1Alpha } from "../gen/grpc/reflection/v1alpha/reflection_pb.ts";
import { file_runnermock_v1_explanation } from "../gen/runnermock/v1/explanation_pb.ts";
import type { Readiness } from "../readiness.ts";
import { createHealth } from "./health.ts";
import { createReflection } from "./reflection.ts";

/** Protovalidate's own file has Violations; ours of that name has but the rules in use, with the same numbers. */
const errorDetails = [file_buf_validate_validate, file_runnermock_v1_explanation];

/**
 * @param services what else is served at the address
 * @param interceptors what calls of these pass through
 * @param readiness what is said of health
 */
export function registerStandardServices(
  router: ConnectRouter,
  services: readonly DescService[],
  interceptors: Interceptor[],
  readiness: Readiness,
): void {
  const all = [...services, Health, ReflectionV1, ReflectionV1Alpha];
  const options = { interceptors, requestGate: async () => {} };
  const reflection = { serverReflectionInfo: createReflection(all, errorDetails) };
  router.service(Health, createHealth(new Set(all.map(({ typeName }) => typeName)), readiness), options);
  router.service(ReflectionV1, reflection, options);
  // The messages of both versions are alike.
  router.service(ReflectionV1Alpha, reflection as object, options);
}
