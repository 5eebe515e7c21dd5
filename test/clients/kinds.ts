/** Every kind of client that the stories are told through. */
import { bufCurlKinds } from "./buf-curl/client.ts";
import { chromiumKinds } from "./chromium/client.ts";
import type { ClientKind } from "./client.ts";
import { curlKinds } from "./curl/client.ts";
import { goKinds } from "./go/client.ts";
import { grpcurl } from "./grpcurl/client.ts";
import { nodeSdk } from "./node-sdk/client.ts";
import { pythonConnectSdk } from "./python-connect-sdk/client.ts";
import { pythonSdkKinds } from "./python-sdk/client.ts";

export const kinds: readonly ClientKind[] = [
  nodeSdk,
  ...pythonSdkKinds,
  pythonConnectSdk,
  ...chromiumKinds("1.1"),
  ...goKinds,
  grpcurl,
  ...curlKinds,
  ...bufCurlKinds,
];
