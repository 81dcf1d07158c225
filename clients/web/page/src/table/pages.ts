import { useEffect, useRef, useState } from "preact/hooks";
import { mistakeOf } from "../app/use_answer";
import { ask } from "../ask/client";
import type { Flows, Mistake, Row } from "../ask/shapes";

export const PAGE = 200;

/** Pages kept of a table: enough to go back and forth, few enough for ten million rows. */
const KEPT = 40;

export interface Pages {
  row: (place: number) => Row | undefined;
  mistake: Mistake | null;
}

/** The rows of a table, a page at a time as they come into view. `first` is the answer that holds page 0. */
export function usePages(first: Flows | null, pathAt: (offset: number) => string, wanted: number[]): Pages {
  const pages = useRef(new Map<number, Row[]>());
  const owner = useRef<Flows | null>(null);
  const [, redraw] = useState(0);
  const [mistake, setMistake] = useState<Mistake | null>(null);
  if (owner.current !== first) {
    owner.current = first;
    pages.current = new Map(first ? [[0, first.rows]] : []);
  }
  const missing = first ? wanted.filter((page) => !pages.current.has(page)) : [];
  const key = missing.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key says which pages are missing
  useEffect(() => {
    if (missing.length === 0) return setMistake(null);
    const control = new AbortController();
    const fetchPage = async (page: number) => {
      try {
        const answer = await ask<Flows>(pathAt(page * PAGE), control.signal);
        pages.current.set(page, answer.rows);
        if (pages.current.size > KEPT) pages.current.delete(pages.current.keys().next().value ?? 0);
        setMistake(null);
        redraw((count) => count + 1);
      } catch (problem) {
        if (!control.signal.aborted) setMistake(mistakeOf(problem));
      }
    };
    for (const page of missing) void fetchPage(page);
    return () => control.abort();
  }, [key, first]);
  return { row: (place) => pages.current.get(Math.floor(place / PAGE))?.[place % PAGE], mistake };
}
