import type { ComponentChildren } from "preact";
import type { Mistake } from "../ask/shapes";

/** What is shown in place of an answer: one that is awaited, one that is empty, a refusal. */

export function Waiting({ what }: { what: string }) {
  return (
    <p class="state" role="status">
      <span class="spinner" aria-hidden="true" /> {what}
    </p>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="state empty">{children}</p>;
}

const ADVICE: Record<string, string> = {
  busy: "The server is busy with other questions.",
  timeout: "The question took too long. A shorter time range or a narrower filter is quicker.",
  "too-large": "The question is larger than the server allows. A shorter time range is smaller.",
  network: "No answer.",
  missing: "Not found.",
  token: "You are signed out.",
};

export function Refused({ mistake, again }: { mistake: Mistake; again?: () => void }) {
  return (
    <div class="state refused" role="alert">
      <strong>{ADVICE[mistake.kind] ?? "That did not work."}</strong> <span>{mistake.message}</span>
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

interface Framed<T> {
  answer: T | null;
  mistake: Mistake | null;
  waiting: boolean;
  again: () => void;
}

/** The newest answer, dimmed while a newer one is awaited, or what is known instead of it. */
export function Framed<T>({
  of,
  what,
  children,
}: {
  of: Framed<T>;
  what: string;
  children: (answer: T) => ComponentChildren;
}) {
  // A mistake in the filter or the time is told beside it, with the last good answer left in place.
  if (of.mistake && ["q", "t"].includes(of.mistake.parameter ?? "")) {
    if (of.answer === null) return <Empty>There is a mistake in the question; mend it above to get an answer.</Empty>;
  } else if (of.mistake) {
    return <Refused mistake={of.mistake} again={of.again} />;
  }
  if (of.answer === null) return of.waiting ? <Waiting what={what} /> : null;
  return <div class={of.waiting ? "answer stale" : "answer"}>{children(of.answer)}</div>;
}
