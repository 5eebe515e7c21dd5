/** Refuses what the caller may not do. */
import { callOf } from "../call.ts";
import { authorize } from "../domain/permissions.ts";
import { checkEachMessage } from "./each-message.ts";

export const authorizeCall = checkEachMessage((message, method, values) => {
  authorize(callOf({ values }).caller, method, message);
});
