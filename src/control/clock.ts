/** A world's time as the control service tells of it. */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ClockSchema } from "../gen/runnermock/v1/control_pb.ts";
import type { World } from "../world.ts";

export function clockOf({ clock }: World) {
  return create(ClockSchema, { now: timestampFromMs(clock.nowMs()), frozen: clock.frozen });
}
