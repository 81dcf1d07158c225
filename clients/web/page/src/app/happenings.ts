import { useEffect, useRef, useState } from "preact/hooks";
import type { Alert, Range } from "../ask/shapes";

/** What the server tells without being asked, on every view: new records, alerts, whether it is still there. */
export interface Happenings {
  generation: number;
  span: Range | null;
  records: number | null;
  connected: boolean;
}

interface Archive {
  generation: number;
  records: number;
  span: Range | null;
}

/** At most one refresh in this many milliseconds, however fast records arrive. */
const CALM = 2000;

export function useHappenings(wanted: boolean, onAlert: (alert: Alert) => void): Happenings {
  const [state, setState] = useState<Happenings>({ generation: 0, span: null, records: null, connected: true });
  const told = useRef(onAlert);
  told.current = onAlert;
  useEffect(() => {
    if (!wanted) return;
    const stream = new EventSource("/api/live?only=archive,alert,status");
    let waiting: ReturnType<typeof setTimeout> | null = null;
    let newest: Archive | null = null;
    const refresh = () => {
      waiting = null;
      const archive = newest;
      if (archive) setState((last) => ({ ...last, ...archive }));
    };
    let last = 0;
    stream.addEventListener("archive", (event) => {
      newest = JSON.parse(event.data) as Archive;
      if (waiting) return;
      waiting = setTimeout(refresh, Math.max(0, last + CALM - performance.now()));
      last = performance.now();
    });
    stream.addEventListener("alert", (event) => told.current(JSON.parse(event.data) as Alert));
    stream.onopen = () => setState((before) => ({ ...before, connected: true }));
    stream.onerror = () => setState((before) => ({ ...before, connected: false }));
    return () => {
      stream.close();
      if (waiting) clearTimeout(waiting);
    };
  }, [wanted]);
  return state;
}
