import type { Mistake } from "./shapes";

export interface Piece {
  text: string;
  wrong: boolean;
}

/** Cut a filter before and after the word that is wrong. Columns count from 1; past the end means something is missing there. */
export function pieces(filter: string, mistake: Mistake | null): Piece[] {
  const column = mistake?.column;
  if (!mistake || !column || column < 1) return filter ? [{ text: filter, wrong: false }] : [];
  const start = Math.min(column - 1, filter.length);
  const end = Math.min(start + Math.max(1, mistake.length ?? 1), filter.length);
  const cut = [
    { text: filter.slice(0, start), wrong: false },
    { text: start === end ? " " : filter.slice(start, end), wrong: true },
    { text: filter.slice(end), wrong: false },
  ];
  return cut.filter((piece) => piece.text !== "");
}

/** The filter with the wrong word replaced by the one that was probably meant. */
export function mended(filter: string, mistake: Mistake): string | null {
  const { column, length, suggestion } = mistake;
  if (!suggestion || !column || !length) return null;
  return filter.slice(0, column - 1) + suggestion + filter.slice(column - 1 + length);
}
