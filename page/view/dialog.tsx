/** A modal dialog that is there as long as it is open; Escape closes it. It says why what was asked for was refused. */
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { open, refusal } from "../state/dialog.ts";

interface Props {
  readonly title: string;
  readonly children: ComponentChildren;
  /** False where there is nothing behind it that could be done. */
  readonly closable?: boolean;
}

export function Dialog({ title, children, closable = true }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useLayoutEffect(() => {
    if (!element.current?.open) element.current?.showModal();
  }, []);
  const close = () => element.current?.close();
  return (
    <dialog
      ref={element}
      aria-labelledby={titleId}
      onCancel={(event) => !closable && event.preventDefault()}
      onClose={() => open(undefined)}
    >
      <header>
        <h2 id={titleId}>{title}</h2>
        {closable && (
          <button type="button" onClick={close}>
            Close
          </button>
        )}
      </header>
      {children}
      <p class="refusal" role="alert">
        {refusal.value}
      </p>
    </dialog>
  );
}
