/** What is scrolled inside of itself: it can have the focus, so that the keyboard scrolls it as well. */
import type { ComponentChildren, RefObject } from "preact";

interface Props {
  readonly label: string;
  readonly children: ComponentChildren;
  readonly element?: RefObject<HTMLElement | null>;
  readonly onScroll?: () => void;
}

export function Scrollable({ label, children, element, onScroll }: Props) {
  return (
    <section
      class="scrollable"
      aria-label={label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
      tabIndex={0}
      {...(element && { ref: element as RefObject<HTMLElement> })}
      {...(onScroll && { onScroll })}
    >
      {children}
    </section>
  );
}
