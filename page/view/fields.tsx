/** Fields of forms, each with its label. */
import type { Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly required?: boolean;
  /** What kind of number it takes; absent: it takes a text. */
  readonly number?: { readonly min: number; readonly max?: number; readonly step: number | "any" };
}

export function Field({ name, label, required = false, number }: FieldProps) {
  const id = useId();
  return (
    <p class="field">
      <label for={id}>{label}</label>{" "}
      {number ? (
        <input id={id} name={name} type="number" required={required} {...number} />
      ) : (
        <input id={id} name={name} type="text" required={required} />
      )}
    </p>
  );
}

/** Where one types what is looked for. */
export function Find({ label, words }: { label: string; words: Signal<string> }) {
  return (
    <label>
      <span class="unseen">{label}</span>
      <input
        type="search"
        placeholder="Find"
        value={words.value}
        onInput={({ currentTarget }) => {
          words.value = currentTarget.value;
        }}
      />
    </label>
  );
}

interface ChoiceProps {
  readonly name: string;
  readonly label: string;
  readonly value?: string;
  readonly onChoose?: (value: string) => void;
  /** The options. */
  readonly children: ComponentChildren;
}

export function Choice({ name, label, value, onChoose, children }: ChoiceProps) {
  const id = useId();
  return (
    <p class="field">
      <label for={id}>{label}</label>{" "}
      <select
        id={id}
        name={name}
        {...(value !== undefined && { value })}
        onChange={({ currentTarget }) => onChoose?.(currentTarget.value)}
      >
        {children}
      </select>
    </p>
  );
}

/** Options that are called as they are. */
export const optionsOf = (values: Iterable<string>) =>
  [...values].map((value) => (
    <option key={value} value={value}>
      {value}
    </option>
  ));
