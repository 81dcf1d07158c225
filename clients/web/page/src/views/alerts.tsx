import { useEffect, useRef, useState } from "preact/hooks";
import { useKnown, viewLink } from "../app/known";
import { changed, go } from "../app/place";
import { useAnswer } from "../app/use_answer";
import { asked } from "../ask/question";
import type { Alert, Answer } from "../ask/shapes";
import { Card, Choice, Select } from "../parts/card";
import { QuestionBar } from "../parts/question_bar";
import { Empty, Framed } from "../parts/states";
import { whole } from "../show/numbers";
import { instant } from "../show/times";
import { AlertActions, Silences } from "./alert_actions";
import { Rules } from "./rules";

interface Answered extends Partial<Answer> {
  alerts: Alert[];
  counts: Record<string, number>;
  rules: string[];
  total: number;
}

/** So many are shown at first, and with each step more: rules and silences stand below them. */
const AT_FIRST = 25;
const MORE = 200;

const SEVERITIES = ["critical", "high", "medium", "low", "info"];

/** Alerts of a time, what was done about them, and the rules that raise them. */
export function Alerts() {
  const { meta, place, question } = useKnown();
  const severity = place.search.get("severity") ?? "";
  const rule = place.search.get("rule") ?? "";
  const state = place.search.get("state") ?? "all";
  const chosen = place.search.get("alert") ?? "";
  const [limit, setLimit] = useState(AT_FIRST);
  const alerts = useAnswer<Answered>(
    asked("/api/alerts", { ...question, filter: "" }, meta.live, { severity, rule, state, limit, alert: chosen }),
  );
  const set = (values: Record<string, string | null>) => go(changed(place, values), "replace");
  return (
    <>
      <QuestionBar range={alerts.answer?.range ?? null} mistake={alerts.mistake} filtered={false} />
      <h1 class="unseen">Alerts</h1>
      <Framed of={alerts} what="Asking for alerts…">
        {(answer) => (
          <>
            <div class="tools">
              <Choice
                label="State"
                value={state}
                options={[
                  ["all", "All"],
                  ["open", "Open"],
                ]}
                onChange={(value) => set({ state: value })}
              />
              <Select
                label="Severity"
                value={severity}
                options={[
                  ["", "any"],
                  ...SEVERITIES.map((name): [string, string] => [name, `${name} (${whole(answer.counts[name] ?? 0)})`]),
                ]}
                onChange={(value) => set({ severity: value })}
              />
              <Select
                label="Rule"
                value={rule}
                options={[["", "any"], ...answer.rules.map((name): [string, string] => [name, name])]}
                onChange={(value) => set({ rule: value })}
              />
            </div>
            <Card title="Alerts" wide>
              {answer.alerts.length === 0 ? (
                <Empty>No alerts in this time.</Empty>
              ) : (
                <ul class="alert-list">
                  {answer.alerts.map((alert) => (
                    <OneAlert
                      key={alert.id}
                      alert={alert}
                      open={alert.id === chosen}
                      onToggle={(open) => set({ alert: open ? alert.id : null })}
                      again={alerts.again}
                    />
                  ))}
                </ul>
              )}
              {answer.total > answer.alerts.length && (
                <p class="links">
                  <button type="button" onClick={() => setLimit(limit + MORE)}>
                    Show more
                  </button>
                  {whole(answer.alerts.length)} of {whole(answer.total)}
                </p>
              )}
            </Card>
          </>
        )}
      </Framed>
      <Silences />
      <Rules />
    </>
  );
}

interface Properties {
  alert: Alert;
  open: boolean;
  onToggle: (open: boolean) => void;
  again: () => void;
}

function OneAlert({ alert, open, onToggle, again }: Properties) {
  const { zone } = useKnown();
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (open) row.current?.scrollIntoView({ block: "nearest" });
  }, [open]);
  return (
    <li ref={row} class={alert.acknowledged || alert.silenced ? "settled" : ""}>
      <button type="button" class="line" aria-expanded={open} onClick={() => onToggle(!open)}>
        <span class={`severity ${alert.severity}`}>{alert.severity}</span>
        <time>{instant(alert.time, zone)}</time>
        <span class="summary">{alert.summary}</span>
        <span class="also">{alert.acknowledged ? "acknowledged" : alert.silenced ? "silenced" : alert.state}</span>
      </button>
      {open && <Evidence alert={alert} again={again} />}
    </li>
  );
}

function Evidence({ alert, again }: { alert: Alert; again: () => void }) {
  const { question, zone } = useKnown();
  const [settled, setSettled] = useState(alert);
  const time = { ...question, filter: alert.filter ?? "", range: "", from: alert.first, to: alert.last + 1e-6 };
  const details: [string, string][] = [
    ["Rule", alert.rule],
    [
      "Subject",
      Object.entries(alert.subject)
        .filter(([, value]) => value !== "" && value !== null)
        .map(([field, value]) => `${field} ${value}`)
        .join(", "),
    ],
    ["From", instant(alert.first, zone, 3)],
    ["To", instant(alert.last, zone, 3)],
    ["Count", whole(alert.count)],
  ];
  return (
    <div class="evidence">
      <dl class="details across">
        {details.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p class="links">
        {alert.filter && <a href={viewLink("/flows", time)}>The flows behind it</a>}
        {alert.flow_ids.slice(0, 5).map((id) => (
          <a key={id} href={viewLink(`/flow/${id}`, question)}>
            Flow {id.slice(0, 8)}
          </a>
        ))}
      </p>
      <AlertActions
        alert={settled}
        onChange={(next) => {
          setSettled(next);
          again();
        }}
      />
    </div>
  );
}
