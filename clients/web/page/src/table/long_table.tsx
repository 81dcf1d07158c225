import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Column, Flows, Row } from "../ask/shapes";
import { Refused } from "../parts/states";
import { cell, isRight, width } from "../show/cells";
import { PAGE, usePages } from "./pages";
import { clamped, type Extent, height, isScaled, lastTop, pages, ROW, scrolledTo, topAt } from "./window";

interface Properties {
  label: string;
  first: Flows;
  /** Rows that can be reached: all, but in other orders only so many. */
  reachable: number;
  zone: string;
  sort: string;
  pathAt: (offset: number) => string;
  linkOf: (row: Row) => string | null;
  onSort: (column: string) => void;
  onOpen: (row: Row) => void;
  sortable: (column: Column) => boolean;
}

/** Ten million rows in a box: only those in view are in the page, and only pages near it are asked for. */
export function LongTable(properties: Properties) {
  const { first, reachable, zone } = properties;
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState(400);
  const [top, setTop] = useState(0);
  const [active, setActive] = useState(0);
  const extent: Extent = { total: reachable, fitting: Math.max(1, Math.floor(view / ROW) - 1) };
  const { row, mistake } = usePages(first, properties.pathAt, pages(top, extent, PAGE));
  const widths = first.columns.map(width);
  const template = widths.map((pixels) => `minmax(${pixels}px, ${pixels}fr)`).join(" ");
  const least = `${widths.reduce((sum, pixels) => sum + pixels, 0)}px`;
  useEffect(() => {
    const found = box.current;
    if (!found) return;
    const resized = new ResizeObserver(() => setView(found.clientHeight));
    resized.observe(found);
    return () => resized.disconnect();
  }, []);
  const placed = useRef(0);
  const moveTo = (next: number) => {
    const reached = clamped(next, extent);
    setTop(reached);
    const found = box.current;
    if (!found) return;
    placed.current = scrolledTo(reached, extent, view);
    found.scrollTop = placed.current;
  };
  const wheel = useRef<(event: WheelEvent) => void>(() => undefined);
  wheel.current = (event) => {
    // Where the scroll bar stands for millions of rows the browser's own step would be hundreds of them.
    if (!isScaled(extent) || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    moveTo(top + event.deltaY / ROW);
  };
  useEffect(() => {
    const found = box.current;
    const listener = (event: WheelEvent) => wheel.current(event);
    found?.addEventListener("wheel", listener, { passive: false });
    return () => found?.removeEventListener("wheel", listener);
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another answer begins at its first row
  useLayoutEffect(() => {
    moveTo(0);
    setActive(0);
  }, [properties.pathAt]);
  const onScroll = () => {
    const scrolled = box.current?.scrollTop ?? 0;
    if (Math.abs(scrolled - placed.current) < 1) return;
    placed.current = scrolled;
    setTop(topAt(scrolled, extent, view));
  };
  const activate = (place: number) => {
    const next = Math.min(Math.max(0, place), reachable - 1);
    setActive(next);
    if (next < top) moveTo(next);
    else if (next >= Math.floor(top) + extent.fitting) moveTo(next - extent.fitting + 1);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.target !== box.current) return;
    const moves: Record<string, number> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + extent.fitting,
      PageUp: active - extent.fitting,
      Home: 0,
      End: lastTop(extent) + extent.fitting,
    };
    const next = moves[event.key];
    const opened = event.key === "Enter" ? row(active) : undefined;
    if (next !== undefined) activate(next);
    else if (opened) properties.onOpen(opened);
    else return;
    event.preventDefault();
  };
  const begin = Math.floor(top);
  const shown = Array.from(
    { length: Math.min(extent.fitting + 2, reachable - begin) },
    (_none, place) => begin + place,
  );
  return (
    <>
      {mistake && <Refused mistake={mistake} />}
      <div
        ref={box}
        class="long"
        role="grid"
        aria-label={properties.label}
        aria-rowcount={reachable + 1}
        aria-colcount={first.columns.length}
        aria-activedescendant={`row-${active}`}
        tabIndex={0}
        onScroll={onScroll}
        onKeyDown={onKey}
      >
        <div style={{ height: `${height(extent, view)}px`, minWidth: least }}>
          <div class="pane" style={{ height: `${view}px` }}>
            <Heads {...properties} template={template} />
            <div class="rows" style={{ transform: `translateY(${(begin - top) * ROW}px)` }}>
              {shown.map((place) => (
                <OneRow
                  key={place}
                  place={place}
                  row={row(place)}
                  columns={first.columns}
                  zone={zone}
                  template={template}
                  active={place === active}
                  href={properties.linkOf}
                  onPick={() => setActive(place)}
                />
              ))}
            </div>
          </div>
        </div>
      </div>
    </>
  );
}

function Heads({ first, sort, sortable, onSort, template }: Properties & { template: string }) {
  return (
    <div class="row heads" role="row" aria-rowindex={1} style={{ gridTemplateColumns: template }}>
      {first.columns.map((column) => {
        const order = sort === column.name ? "ascending" : sort === `-${column.name}` ? "descending" : "none";
        return (
          <div key={column.name} role="columnheader" aria-sort={order} class={isRight(column) ? "right" : ""}>
            {sortable(column) ? (
              <button type="button" title={`Sort by ${column.name}`} onClick={() => onSort(column.name)}>
                {column.title}
                {order !== "none" && <span aria-hidden="true">{order === "ascending" ? " ↑" : " ↓"}</span>}
              </button>
            ) : (
              column.title
            )}
          </div>
        );
      })}
    </div>
  );
}

interface RowProperties {
  place: number;
  row: Row | undefined;
  columns: Column[];
  zone: string;
  template: string;
  active: boolean;
  href: (row: Row) => string | null;
  onPick: () => void;
}

function OneRow({ place, row, columns, zone, template, active, href, onPick }: RowProperties) {
  const link = row ? href(row) : null;
  return (
    <div
      id={`row-${place}`}
      role="row"
      aria-rowindex={place + 2}
      aria-selected={active}
      class={`row${active ? " active" : ""}${row ? "" : " awaited"}`}
      style={{ gridTemplateColumns: template }}
      onPointerDown={onPick}
    >
      {columns.map((column, number) => {
        const text = row ? cell(column, row.values[number] ?? null, row.text[number] ?? "", zone) : "";
        return (
          <div key={column.name} role="gridcell" class={isRight(column) ? "right" : ""} title={text}>
            {number === 0 && link ? (
              <a href={link} tabIndex={-1}>
                {text || "–"}
              </a>
            ) : (
              text
            )}
          </div>
        );
      })}
    </div>
  );
}
