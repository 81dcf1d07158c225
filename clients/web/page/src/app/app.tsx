import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { ask, Refusal } from "../ask/client";
import type { Alert, Meta, Session } from "../ask/shapes";
import { Refused, Waiting } from "../parts/states";
import { SignIn } from "../views/sign_in";
import { useHappenings } from "./happenings";
import { kept } from "./kept";
import { KnownContext, useQuestion, zoneOf } from "./known";
import { usePlace } from "./place";
import { Shell } from "./shell";
import { mistakeOf } from "./use_answer";
import { viewAt } from "./views";

type Start = { session: Session; meta: Meta | null } | { failed: unknown } | null;

/** Who is not signed in gets no answer but that. */
function signedOut(problem: unknown): null {
  if (problem instanceof Refusal && problem.status === 401) return null;
  throw problem;
}

async function start(): Promise<Start> {
  try {
    const [session, meta] = await Promise.all([ask<Session>("/api/session"), ask<Meta>("/api/meta").catch(signedOut)]);
    return { session, meta };
  } catch (failed) {
    return { failed };
  }
}

/** The whole page: who is asking, what there is to ask, then the view that the URL names. */
export function App() {
  const [started, setStarted] = useState<Start>(null);
  const begin = useCallback(() => void start().then(setStarted), []);
  useEffect(begin, [begin]);
  if (started === null) return <Waiting what="Opening…" />;
  if ("failed" in started) {
    const away = started.failed instanceof Refusal && started.failed.status === 401;
    return away ? <SignIn onSignedIn={begin} /> : <Refused mistake={mistakeOf(started.failed)} again={begin} />;
  }
  if (!started.meta) return <SignIn onSignedIn={begin} />;
  return <Open first={started.meta} />;
}

function Open({ first }: { first: Meta }) {
  const place = usePlace();
  const question = useQuestion(place);
  const [meta, setMeta] = useState(first);
  const [alerts, setAlerts] = useState<Alert[]>([]);
  const onAlert = useCallback(
    (alert: Alert) => setAlerts((all) => [alert, ...all.filter((one) => one.id !== alert.id)].slice(0, 4)),
    [],
  );
  const happenings = useHappenings(true, onAlert);
  const { generation } = happenings;
  useEffect(() => {
    if (generation > 0) ask<Meta>("/api/meta").then(setMeta, () => undefined);
  }, [generation]);
  const known = useMemo(() => {
    const fields = new Map(meta.fields.map((field) => [field.name, field]));
    // The server's clock, so that "before now" means the same on both ends.
    const ahead = first.now - Date.now() / 1000;
    const now = () => Date.now() / 1000 + ahead;
    return { meta, place, question, zone: zoneOf(question, kept("zone", "UTC")), generation, now, fields };
  }, [meta, place, question, generation, first.now]);
  const view = viewAt(place.path);
  useEffect(() => {
    document.title = `${view.title} · ${meta.title} · Argosy`;
  }, [view.title, meta.title]);
  return (
    <KnownContext.Provider value={known}>
      <Shell
        view={view.path}
        connected={happenings.connected}
        alerts={alerts}
        onSeen={(id) => setAlerts((all) => all.filter((one) => one.id !== id))}
      >
        {view.show()}
      </Shell>
    </KnownContext.Provider>
  );
}
