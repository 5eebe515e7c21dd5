/**
 * A table of which only the rows in sight are there, however long it is. All rows have one height, which the style sheet
 * says. What is looked at stays in its place when rows come in above it.
 */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Scrollable } from "./scrollable.tsx";

export interface Column<Item> {
  readonly name: string;
  /** What the style sheet knows it by. */
  readonly id: string;
  readonly cell: (item: Item) => ComponentChildren;
}

interface Props<Item> {
  readonly label: string;
  readonly columns: readonly Column<Item>[];
  readonly items: readonly Item[];
  readonly idOf: (item: Item) => string;
  readonly classOf?: (item: Item) => string;
  /** What is there where there are no items. */
  readonly empty: ComponentChildren;
}

/** How many rows there are beyond those in sight, on each side. */
const margin = 10;

export function VirtualTable<Item>({ label, columns, items, idOf, classOf, empty }: Props<Item>) {
  const region = useRef<HTMLElement>(null);
  const anchor = useRef({ id: "", index: 0 });
  const [seen, setSeen] = useState({ top: 0, height: 600 });

  const look = () => {
    const element = region.current;
    if (element === null) return;
    const { scrollTop: top, clientHeight: height } = element;
    setSeen((before) => (before.top === top && before.height === height ? before : { top, height }));
  };
  useLayoutEffect(() => {
    if (region.current === null) return undefined;
    const observer = new ResizeObserver(look);
    observer.observe(region.current);
    return () => observer.disconnect();
  }, []);

  const rowHeight = rowHeightPx();
  const first = Math.max(0, Math.min(Math.floor(seen.top / rowHeight) - margin, items.length));
  const end = Math.min(items.length, Math.ceil((seen.top + seen.height) / rowHeight) + margin);
  const topIndex = Math.min(Math.floor(seen.top / rowHeight), Math.max(0, items.length - 1));

  useLayoutEffect(() => {
    const element = region.current;
    const { id, index } = anchor.current;
    if (element === null || element.scrollTop < rowHeight) return;
    const moved = items.findIndex((item) => idOf(item) === id);
    if (moved >= 0 && moved !== index) element.scrollTop += (moved - index) * rowHeight;
  }, [items]);
  useLayoutEffect(() => {
    const item = items[topIndex];
    anchor.current = { id: item === undefined ? "" : idOf(item), index: topIndex };
  }, [items, topIndex]);

  return (
    <Scrollable label={label} element={region} onScroll={look}>
      <table aria-label={label} aria-rowcount={items.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            {columns.map(({ id, name }) => (
              <th key={id} scope="col" class={id}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <Gap rows={first} rowHeight={rowHeight} />
          {items.slice(first, end).map((item, index) => (
            <tr key={idOf(item)} aria-rowindex={first + index + 2} class={classOf?.(item)}>
              {columns.map(({ id, cell }) => (
                <td key={id} class={id}>
                  {cell(item)}
                </td>
              ))}
            </tr>
          ))}
          <Gap rows={items.length - end} rowHeight={rowHeight} />
        </tbody>
      </table>
      {items.length === 0 && <div class="empty">{empty}</div>}
    </Scrollable>
  );
}

/** In the place of rows that are out of sight. */
function Gap({ rows, rowHeight }: { rows: number; rowHeight: number }) {
  return rows > 0 ? <tr class="gap" style={{ height: `${rows * rowHeight}px` }} /> : null;
}

/** As --row has it: 2.25rem. */
const rowHeightPx = () => 2.25 * Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
