/** A value as JSON. */
import type { JsonValue } from "@bufbuild/protobuf";
import { Scrollable } from "./scrollable.tsx";

export function Json({ label, value }: { label: string; value: JsonValue }) {
  return (
    <Scrollable label={label}>
      <pre>{JSON.stringify(value, undefined, 2)}</pre>
    </Scrollable>
  );
}
