import { useEffect, useId, useRef, useState } from "preact/hooks";
import { ask } from "../ask/client";
import { mended, pieces } from "../ask/marked";
import type { Check, Completion, Mistake } from "../ask/shapes";

interface Properties {
  value: string;
  /** What the server said of this very text when it was asked. */
  mistake: Mistake | null;
  longest: number;
  onAsk: (filter: string) => void;
}

const PAUSE = 120;

function useChecked(text: string, known: Mistake | null): Mistake | null {
  const [found, setFound] = useState<{ text: string; mistake: Mistake | null } | null>(null);
  useEffect(() => {
    const control = new AbortController();
    const timer = setTimeout(async () => {
      if (!text.trim()) return setFound({ text, mistake: null });
      try {
        const check = await ask<Check>(`/api/filter/check?q=${encodeURIComponent(text)}`, control.signal);
        setFound({ text, mistake: check.ok ? null : (check.error ?? null) });
      } catch {
        // Whether the server can be reached is told where answers are shown.
      }
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [text]);
  return found?.text === text ? found.mistake : known;
}

function useCompletion(text: string, caret: number | null): [Completion | null, () => void] {
  const [completion, setCompletion] = useState<Completion | null>(null);
  useEffect(() => {
    if (caret === null) return setCompletion(null);
    const control = new AbortController();
    const timer = setTimeout(async () => {
      const search = new URLSearchParams({ q: text, at: String(caret) });
      try {
        setCompletion(await ask<Completion>(`/api/filter/complete?${search}`, control.signal));
      } catch {
        // A filter can be typed without completion too.
      }
    }, PAUSE);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [text, caret]);
  return [completion, () => setCompletion(null)];
}

/** The filter of ra: checked and completed while it is typed, mistakes underlined where they are. */
export function FilterBox({ value, mistake, longest, onAsk }: Properties) {
  const [text, setText] = useState(value);
  const [caret, setCaret] = useState<number | null>(null);
  const [active, setActive] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const behind = useRef<HTMLDivElement>(null);
  const id = useId();
  useEffect(() => setText(value), [value]);
  const wrong = useChecked(text, text === value ? mistake : null);
  const [completion, forget] = useCompletion(text, caret);
  const items = caret === null ? [] : (completion?.items ?? []);
  const close = () => {
    setCaret(null);
    setActive(-1);
    forget();
  };
  const submit = (filter: string) => {
    close();
    onAsk(filter.trim());
  };
  const accept = (place: number) => {
    const item = items[place];
    if (!item || !completion) return;
    const next = text.slice(0, completion.from) + item.insert + text.slice(completion.to);
    const end = completion.from + item.insert.length;
    setText(next);
    setActive(-1);
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(end, end);
      setCaret(end);
    });
  };
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && items.length) {
      event.preventDefault();
      setActive((last) => (last + step + items.length + (last < 0 && step < 0 ? 1 : 0)) % items.length);
    } else if (event.key === "Tab" && active >= 0) {
      event.preventDefault();
      accept(active);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (active >= 0) accept(active);
      else submit(text);
    } else if (event.key === "Escape" && items.length) {
      event.stopPropagation();
      close();
    } else if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      setCaret(input.current?.selectionStart ?? text.length);
    }
  };
  const better = wrong ? mended(text, wrong) : null;
  return (
    <div class={wrong ? "filter wrong" : "filter"}>
      <div class="typed">
        <div class="behind" ref={behind} aria-hidden="true">
          {pieces(text, wrong).map((piece, place) => (
            <span key={`${place}${piece.wrong}`} class={piece.wrong ? "wavy" : ""}>
              {piece.text}
            </span>
          ))}
        </div>
        <input
          ref={input}
          id="filter"
          type="text"
          role="combobox"
          aria-label="Filter"
          aria-autocomplete="list"
          aria-expanded={items.length > 0}
          aria-controls={`${id}-list`}
          aria-invalid={wrong !== null}
          aria-describedby={wrong ? `${id}-wrong` : undefined}
          aria-activedescendant={active >= 0 ? `${id}-${active}` : undefined}
          placeholder="Filter, e.g. tcp and dst port 443 and bytes gt 10000"
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          maxLength={longest}
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setCaret(event.currentTarget.selectionStart);
            setActive(-1);
          }}
          onKeyDown={onKey}
          onBlur={close}
          onScroll={(event) => behind.current?.scrollTo({ left: event.currentTarget.scrollLeft })}
        />
        {text && (
          <button type="button" class="clear" aria-label="Clear the filter" onClick={() => submit("")}>
            ×
          </button>
        )}
      </div>
      <div id={`${id}-list`} role="listbox" aria-label="Completions" class="completions" hidden={items.length === 0}>
        {items.map((item, place) => (
          <div
            key={item.label}
            id={`${id}-${place}`}
            role="option"
            tabIndex={-1}
            aria-selected={place === active}
            class={place === active ? "active" : ""}
            onMouseDown={(event) => {
              event.preventDefault();
              accept(place);
            }}
          >
            <code>{item.label}</code>
            <span class="kind">{item.kind}</span>
            <span class="doc">{item.doc}</span>
          </div>
        ))}
      </div>
      {wrong && (
        <p class="mistake" id={`${id}-wrong`} role="alert">
          {wrong.message}
          {better !== null && (
            <button type="button" onClick={() => submit(better)}>
              Use “{wrong.suggestion}”
            </button>
          )}
        </p>
      )}
    </div>
  );
}
