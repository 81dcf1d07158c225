import { useKnown, viewLink } from "../app/known";
import { useAnswer } from "../app/use_answer";
import { asked, narrowed } from "../ask/question";
import type { Alert, News, NewThing } from "../ask/shapes";
import { countryName } from "../map/codes";
import { Card } from "../parts/card";
import { Empty, Framed } from "../parts/states";
import { whole } from "../show/numbers";
import { clock, instant } from "../show/times";

const DAY = 86400;

const KINDS = [
  ["hosts", "Hosts"],
  ["services", "Services"],
  ["names", "Names"],
  ["domains", "Domains"],
  ["countries", "Countries"],
] as const;

/** What was not there on the day before; of a longer time, what came on its last day. */
export function NewSince() {
  const { meta, question, zone } = useKnown();
  const news = useAnswer<News>(asked("/api/new", question, meta.live, { against: DAY, limit: 20 }));
  return (
    <Card title="New since the day before" wide>
      <Framed of={news} what="Comparing…">
        {(answer) =>
          answer.baseline.records === 0 ? (
            <Empty>Nothing is kept of the day before, so there is nothing to compare with.</Empty>
          ) : (
            <>
              <p class="small">
                Since {instant(answer.since, zone)}, not seen from {instant(answer.baseline.from, zone)} on
              </p>
              <ul class="news">
                {KINDS.map(([kind, title]) => (
                  <Novelties
                    key={kind}
                    kind={kind}
                    title={title}
                    count={answer.counts[kind] ?? 0}
                    things={answer[kind] ?? []}
                  />
                ))}
              </ul>
            </>
          )
        }
      </Framed>
    </Card>
  );
}

function Thing({ kind, thing }: { kind: string; thing: NewThing }) {
  const { question } = useKnown();
  const text = kind === "countries" ? countryName(thing.key) : (thing.label ?? thing.key);
  if (kind === "domains")
    return <a href={viewLink("/dns", { ...question, filter: "" }, { name: thing.key })}>{text}</a>;
  return thing.filter ? <a href={viewLink("/flows", narrowed(question, thing.filter))}>{text}</a> : <span>{text}</span>;
}

function Novelties({ kind, title, count, things }: { kind: string; title: string; count: number; things: NewThing[] }) {
  const { zone } = useKnown();
  if (things.length === 0) return null;
  return (
    <li>
      <h3>
        {title} <span class="count">{whole(count)}</span>
      </h3>
      <ul>
        {things.slice(0, 6).map((thing) => (
          <li key={thing.key}>
            <Thing kind={kind} thing={thing} />
            {thing.name && <span class="also">{thing.name}</span>} <time class="also">{clock(thing.first, zone)}</time>
          </li>
        ))}
      </ul>
    </li>
  );
}

/** The newest open alerts of this time. */
export function LatestAlerts() {
  const { meta, question, zone } = useKnown();
  const time = { ...question, filter: "" };
  const alerts = useAnswer<{ alerts: Alert[] }>(asked("/api/alerts", time, meta.live, { state: "open", limit: 6 }));
  return (
    <Card title="Alerts" aside={<a href={viewLink("/alerts", time)}>All</a>}>
      <Framed of={alerts} what="Asking…">
        {(answer) =>
          answer.alerts.length === 0 ? (
            <Empty>No open alerts in this time.</Empty>
          ) : (
            <ul class="alerts">
              {answer.alerts.map((alert) => (
                <li key={alert.id}>
                  <span class={`severity ${alert.severity}`}>{alert.severity}</span>
                  <a href={viewLink("/alerts", time, { alert: alert.id })}>{alert.summary}</a>
                  <time class="also">{instant(alert.time, zone)}</time>
                </li>
              ))}
            </ul>
          )
        }
      </Framed>
    </Card>
  );
}
