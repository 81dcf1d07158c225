import { useCallback, useState } from "preact/hooks";

/** What this browser keeps for its user: appearance, zone, columns, saved queries. Nothing of it is sent anywhere. */
export function kept<T>(name: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(`argosy.${name}`);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

export function keep(name: string, value: unknown): void {
  try {
    localStorage.setItem(`argosy.${name}`, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing still shows the page; the choice lasts until it is closed.
  }
}

export function useKept<T>(name: string, otherwise: T): [T, (value: T) => void] {
  const [value, setValue] = useState<T>(() => kept(name, otherwise));
  const set = useCallback(
    (next: T) => {
      keep(name, next);
      setValue(next);
    },
    [name],
  );
  return [value, set];
}
