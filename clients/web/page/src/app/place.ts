import { useEffect, useState } from "preact/hooks";

/** Where the page is: the URL, which holds everything that a link to it should bring back. */
export interface Place {
  path: string;
  search: URLSearchParams;
}

const watchers = new Set<() => void>();

function current(): Place {
  return { path: location.pathname, search: new URLSearchParams(location.search) };
}

export function go(to: string, how: "push" | "replace" = "push"): void {
  if (how === "push") history.pushState(null, "", to);
  else history.replaceState(null, "", to);
  for (const watcher of watchers) watcher();
}

export function usePlace(): Place {
  const [place, setPlace] = useState(current);
  useEffect(() => {
    const watcher = () => setPlace(current());
    watchers.add(watcher);
    addEventListener("popstate", watcher);
    return () => {
      watchers.delete(watcher);
      removeEventListener("popstate", watcher);
    };
  }, []);
  return place;
}

/** The same place with some parameters set, or removed where the value is null or empty. */
export function changed(place: Place, values: Record<string, string | null>): string {
  const search = new URLSearchParams(place.search);
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === "") search.delete(name);
    else search.set(name, value);
  }
  return linkTo(place.path, search);
}

export function linkTo(path: string, search: URLSearchParams): string {
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/** Links of our own change the place without loading the page anew; other buttons and keys keep their meaning. */
export function followLinks(): void {
  document.addEventListener("click", (event) => {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    ) {
      return;
    }
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.origin !== location.origin || link.target || link.hasAttribute("download")) return;
    if (link.rel === "external" || link.hash || link.pathname.startsWith("/api/")) return;
    event.preventDefault();
    const moves = link.pathname !== location.pathname;
    go(link.pathname + link.search);
    if (moves) {
      scrollTo(0, 0);
      document.getElementById("main")?.focus({ preventScroll: true });
    }
  });
}
