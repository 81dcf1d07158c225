import { useEffect } from "preact/hooks";
import type { Question } from "../ask/question";
import { viewLink } from "./known";
import { go } from "./place";
import { TABS } from "./views";

/** Keys that work wherever nothing is being typed; buttons name theirs in data-key. */
export const KEYS = [
  ["/", "to the filter"],
  ["c", "to the time range"],
  ["[ ]", "earlier, later"],
  ["-", "longer time"],
  ["g then o f g m d l a", "Overview, Flows, Graph, Map, DNS, Live, Alerts"],
  ["t", "appearance: system, light, dark"],
  ["?", "this help"],
  ["↑ ↓ PgUp PgDn Home End", "in tables: rows"],
  ["Enter", "in tables: open the row"],
  ["Esc", "close what is open"],
] as const;

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

function focusOn(id: string): void {
  const found = document.getElementById(id);
  found?.focus();
  if (found instanceof HTMLInputElement) found.select();
}

export function useShortcuts(question: Question, help: () => void): void {
  useEffect(() => {
    let going = false;
    const onKey = (event: KeyboardEvent) => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      const { key } = event;
      const wasGoing = going;
      going = key === "g" && !wasGoing;
      const tab = wasGoing ? TABS.find((one) => one.key === key) : undefined;
      const button = document.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
      if (tab) go(viewLink(tab.path, question));
      else if (going) return;
      else if (key === "/") focusOn("filter");
      else if (key === "c") document.getElementById("time")?.click();
      else if (key === "?") help();
      else if (button) button.click();
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [question, help]);
}
