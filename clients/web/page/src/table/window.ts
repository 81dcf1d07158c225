/**
 * Which rows of a long table are in view. Browsers end a scrolled box at some 17 million pixels, which is 700,000
 * rows: longer tables get a box of MOST pixels, whose scroll bar stands for a share of all rows.
 */

export const ROW = 26;
export const MOST = 8_000_000;

export interface Extent {
  total: number;
  /** Rows that fit into the view. */
  fitting: number;
}

export function lastTop({ total, fitting }: Extent): number {
  return Math.max(0, total - fitting);
}

export function isScaled({ total }: Extent): boolean {
  return total * ROW > MOST;
}

/** Height in pixels of what is scrolled, for a view of `view` pixels. */
export function height(extent: Extent, view: number): number {
  return isScaled(extent) ? MOST : Math.max(view, lastTop(extent) * ROW + view);
}

/** The first row in view, with fraction, at a place of the scroll bar. */
export function topAt(scrolled: number, extent: Extent, view: number): number {
  if (!isScaled(extent)) return Math.min(scrolled / ROW, lastTop(extent));
  return (scrolled / (MOST - view)) * lastTop(extent);
}

export function scrolledTo(top: number, extent: Extent, view: number): number {
  const last = lastTop(extent);
  if (last === 0) return 0;
  return isScaled(extent) ? (top / last) * (MOST - view) : top * ROW;
}

export function clamped(top: number, extent: Extent): number {
  return Math.min(Math.max(0, top), lastTop(extent));
}

/** Numbers of the pages of `size` rows that a view from row `top` touches. */
export function pages(top: number, { total, fitting }: Extent, size: number): number[] {
  if (total === 0) return [];
  const first = Math.floor(Math.floor(top) / size);
  const last = Math.floor(Math.min(total - 1, Math.floor(top) + Math.ceil(fitting)) / size);
  return Array.from({ length: last - first + 1 }, (_none, place) => first + place);
}
