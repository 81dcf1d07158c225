import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ask, Refusal } from "../ask/client";
import type { Answer, Mistake } from "../ask/shapes";
import { useKnown } from "./known";

export interface Asked<T> {
  /** The newest answer; while another question waits for its own, the one before. */
  answer: T | null;
  mistake: Mistake | null;
  waiting: boolean;
  again: () => void;
}

/** How soon to ask again for an answer from an archive that is still being prepared. */
const PREPARING = 1000;

export function mistakeOf(problem: unknown): Mistake {
  if (problem instanceof Refusal) return problem.mistake;
  return { kind: "internal", message: problem instanceof Error ? problem.message : String(problem) };
}

/** Ask the server whenever the path changes, records arrive or `again` is called; null asks nothing. */
export function useAnswer<T>(path: string | null): Asked<T> {
  const { generation } = useKnown();
  const [state, setState] = useState<Omit<Asked<T>, "again">>({ answer: null, mistake: null, waiting: path !== null });
  const [round, setRound] = useState(0);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const again = useCallback(() => setRound((last) => last + 1), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: generation and round say when to ask the same again
  useEffect(() => {
    if (path === null) {
      setState({ answer: null, mistake: null, waiting: false });
      return;
    }
    const control = new AbortController();
    setState((last) => ({ ...last, waiting: true }));
    ask<T & Partial<Answer>>(path, control.signal)
      .then((answer) => {
        setState({ answer, mistake: null, waiting: false });
        if ((answer.prepared ?? 1) < 1) timer.current = setTimeout(again, PREPARING);
      })
      .catch((problem: unknown) => {
        if (control.signal.aborted) return;
        const mistake = mistakeOf(problem);
        if (mistake.kind !== "superseded") setState((last) => ({ answer: last.answer, mistake, waiting: false }));
      });
    return () => {
      control.abort();
      if (timer.current) clearTimeout(timer.current);
    };
  }, [path, generation, round, again]);
  return { ...state, again };
}
