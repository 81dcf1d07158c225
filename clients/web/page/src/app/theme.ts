import { keep, kept } from "./kept";

export type Theme = "system" | "light" | "dark";

const watchers = new Set<() => void>();
const dark = matchMedia("(prefers-color-scheme: dark)");

export function theme(): Theme {
  return kept<Theme>("theme", "system");
}

export function isDark(): boolean {
  return theme() === "system" ? dark.matches : theme() === "dark";
}

function apply(): void {
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
  for (const watcher of watchers) watcher();
}

export function setTheme(next: Theme): void {
  keep("theme", next);
  apply();
}

/** Show the chosen appearance, and follow the system where nothing was chosen. */
export function startTheme(): void {
  dark.addEventListener("change", apply);
  apply();
}

/** Canvases take their colours when they are drawn, so they have to be told. */
export function onTheme(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

export const PALETTE = 8;

export function seriesColour(place: number): string {
  if (place === -2) return colour("before");
  return colour(place < 0 ? "rest" : `series-${place % PALETTE}`);
}
