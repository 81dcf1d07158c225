import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { useKnown } from "../app/known";
import { moved, type Question, within } from "../ask/question";
import type { Mistake, Range } from "../ask/shapes";
import { edges, instant, instantOf, isZone, span, zones } from "../show/times";

const RECENT = [
  ["-5m", "Last 5 minutes"],
  ["-15m", "Last 15 minutes"],
  ["-1h", "Last hour"],
  ["-6h", "Last 6 hours"],
  ["-1d", "Last 24 hours"],
  ["-7d", "Last 7 days"],
  ["-30d", "Last 30 days"],
  ["", "All there is"],
] as const;

const FORMS = [
  ["-2h5m+5m", "5 minutes, from 2 h 5 min ago"],
  ["09:00-09:30", "today, between"],
  ["2026/03/10.09+30m", "30 minutes from then on"],
  ["2026/03", "that month"],
  ["****/03/10", "that day, any year"],
] as const;

interface Properties {
  question: Question;
  /** What the last answer covered. */
  range: Range | null;
  mistake: Mistake | null;
  onAsk: (question: Question) => void;
  onZone: (zone: string) => void;
}

function told(question: Question, range: Range | null, zone: string): string {
  const named = RECENT.find(([text]) => text === question.range)?.[1];
  if (question.range) return named ?? question.range;
  if (question.from !== null && question.to !== null) return span(question.from, question.to, zone);
  if (question.from !== null) return `from ${instant(question.from, zone)}`;
  if (question.to !== null) return `until ${instant(question.to, zone)}`;
  return range ? span(range.from, range.to, zone) : "All there is";
}

/** When: ranges before now (or before the end of what there is), Argus's forms, or two instants; and the zone. */
export function TimePicker({ question, range, mistake, onAsk, onZone }: Properties) {
  const { zone } = useKnown();
  const [open, setOpen] = useState(false);
  const dialog = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useLayoutEffect(() => {
    if (!open) return;
    dialog.current?.querySelector<HTMLElement>("button, input")?.focus();
    const away = (event: Event) => {
      if (event.target instanceof Node && !dialog.current?.parentElement?.contains(event.target)) setOpen(false);
    };
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, [open]);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const choose = (next: Question) => {
    close();
    onAsk(next);
  };
  const shift = (by: "in" | "out" | "back" | "on") => {
    if (!range) return;
    const next = moved(range, by);
    onAsk(within(question, next.from, next.to));
  };
  return (
    <div class="when">
      <div class="joined">
        <button type="button" aria-label="Earlier" title="Earlier ([)" data-key="[" onClick={() => shift("back")}>
          ‹
        </button>
        <button
          ref={button}
          type="button"
          class="range"
          id="time"
          aria-haspopup="dialog"
          aria-expanded={open}
          aria-label={`Time range: ${told(question, range, zone)} ${zone}`}
          onClick={() => setOpen(!open)}
        >
          {told(question, range, zone)} <small>{zone}</small>
        </button>
        <button type="button" aria-label="Later" title="Later (])" data-key="]" onClick={() => shift("on")}>
          ›
        </button>
        <button
          type="button"
          aria-label="Longer time"
          title="Longer time (-)"
          data-key="-"
          onClick={() => shift("out")}
        >
          −
        </button>
      </div>
      {open && (
        <div
          ref={dialog}
          class="popover times"
          role="dialog"
          aria-label="Time range"
          onKeyDown={(event) => event.key === "Escape" && close()}
        >
          <ul class="recent">
            {RECENT.map(([text, title]) => (
              <li key={title}>
                <button
                  type="button"
                  class={question.range === text && question.from === null ? "chosen" : ""}
                  onClick={() => choose({ ...question, range: text, from: null, to: null })}
                >
                  {title}
                </button>
              </li>
            ))}
          </ul>
          <div>
            <Forms question={question} onAsk={choose} />
            <Instants question={question} range={range} onAsk={choose} />
            <Zone onZone={onZone} />
          </div>
        </div>
      )}
      {mistake?.parameter === "t" && (
        <p class="mistake" role="alert">
          {mistake.message}
        </p>
      )}
    </div>
  );
}

function Forms({ question, onAsk }: { question: Question; onAsk: (question: Question) => void }) {
  const [text, setText] = useState(question.range);
  const ask = (range: string) => onAsk({ ...question, range, from: null, to: null });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        ask(text.trim());
      }}
    >
      <label>
        <span>
          As <code>ra -t</code> takes it
        </span>
        <input type="text" spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <button type="submit">Ask</button>
      <ul class="forms">
        {FORMS.map(([form, meaning]) => (
          <li key={form}>
            <button type="button" class="plain" onClick={() => setText(form)}>
              <code>{form}</code>
            </button>{" "}
            {meaning}
          </li>
        ))}
      </ul>
    </form>
  );
}

function Instants({
  question,
  range,
  onAsk,
}: {
  question: Question;
  range: Range | null;
  onAsk: (question: Question) => void;
}) {
  const { zone } = useKnown();
  const [first, last] = [question.from ?? range?.from, question.to ?? range?.to];
  const [earliest, latest] =
    first === undefined || last === undefined ? ["", ""] : edges(first, last, zone, question.to === null);
  const [from, setFrom] = useState(earliest);
  const [to, setTo] = useState(latest);
  const start = instantOf(from, zone);
  const end = instantOf(to, zone);
  const wrong =
    start === null || end === null
      ? "Write instants as 2026-03-10 09:00:00."
      : start >= end
        ? "The end is not after the start."
        : "";
  return (
    <form
      class="instants"
      onSubmit={(event) => {
        event.preventDefault();
        if (start !== null && end !== null && !wrong) onAsk(within(question, start, end));
      }}
    >
      <label>
        From
        <input type="text" value={from} onInput={(event) => setFrom(event.currentTarget.value)} />
      </label>
      <label>
        To
        <input type="text" value={to} onInput={(event) => setTo(event.currentTarget.value)} />
      </label>
      <button type="submit" disabled={wrong !== ""} title={wrong}>
        Ask
      </button>
    </form>
  );
}

function Zone({ onZone }: { onZone: (zone: string) => void }) {
  const { zone } = useKnown();
  const id = useId();
  const [text, setText] = useState(zone);
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const choose = (next: string) => {
    setText(next);
    if (isZone(next)) onZone(next);
  };
  return (
    <div class="zone">
      <label>
        Time zone
        <input
          type="text"
          list={id}
          value={text}
          aria-invalid={!isZone(text)}
          onInput={(event) => choose(event.currentTarget.value)}
        />
      </label>
      <datalist id={id}>
        {zones().map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      {["UTC", own].map((name, place) =>
        place === 1 && name === "UTC" ? null : (
          <button type="button" key={name} onClick={() => choose(name)}>
            {name}
          </button>
        ),
      )}
    </div>
  );
}
