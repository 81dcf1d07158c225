import { useKnown, viewLink } from "../app/known";
import { useAnswer } from "../app/use_answer";
import { asked, narrowed } from "../ask/question";
import type { Alert, News, NewThing, Spans } from "../ask/shapes";
import { Card } from "../parts/card";
import { Empty, Framed } from "../parts/states";
import { share, whole } from "../show/numbers";
import { clock, instant } from "../show/times";

const DAY = 86400;

const KINDS = [
  ["hosts", "Hosts"],
  ["services", "Services"],
  ["names", "Names"],
  ["domains", "Domains"],
  ["countries", "Countries"],
] as const;

/** What was not there on the day before. */
export function NewSince() {
  const { meta, question } = useKnown();
  const news = useAnswer<News>(asked("/api/new", question, meta.live, { against: DAY, limit: 20 }));
  return (
    <Card title="New since the day before">
      <Framed of={news} what="Comparing…">
        {(answer) =>
          answer.baseline.records === 0 ? (
            <Empty>Nothing is kept of the day before, so there is nothing to compare with.</Empty>
          ) : (
            <ul class="news">
              {KINDS.map(([kind, title]) => (
                <Novelties key={kind} title={title} things={answer[kind] ?? []} />
              ))}
            </ul>
          )
        }
      </Framed>
    </Card>
  );
}

function Novelties({ title, things }: { title: string; things: NewThing[] }) {
  const { zone, question } = useKnown();
  if (things.length === 0) return null;
  return (
    <li>
      <h3>
        {title} <span class="count">{whole(things.length)}</span>
      </h3>
      <ul>
        {things.slice(0, 6).map((thing) => (
          <li key={thing.key}>
            {thing.filter ? (
              <a href={viewLink("/flows", narrowed(question, thing.filter))}>{thing.label ?? thing.key}</a>
            ) : (
              (thing.label ?? thing.key)
            )}
            {thing.name && <span class="also">{thing.name}</span>} <time class="also">{clock(thing.first, zone)}</time>
          </li>
        ))}
      </ul>
    </li>
  );
}

/** Whether probes see all there is to see. */
export function MirrorPorts() {
  const { zone } = useKnown();
  const spans = useAnswer<Spans>("/api/spans");
  return (
    <Card title="Probes and mirror ports">
      <Framed of={spans} what="Looking…">
        {({ probes, findings }) => (
          <>
            {findings.map((finding) => (
              <p key={`${finding.kind}${finding.probe}${finding.interface}`} class="finding medium">
                {finding.diagnosis}
                {finding.share ? ` (${share(finding.share)})` : ""}
              </p>
            ))}
            {probes.length === 0 && findings.length === 0 && <Empty>No probe told of itself.</Empty>}
            <ul class="probes">
              {probes.map((probe) => (
                <li key={`${probe.site}${probe.probe}`}>
                  <span class={`dot ${probe.state}`} aria-hidden="true" /> <b>{probe.probe}</b> {probe.state},{" "}
                  {whole(probe.packets)} packets, {whole(probe.dropped)} dropped{" "}
                  <time class="also">{instant(probe.last, zone)}</time>
                </li>
              ))}
            </ul>
          </>
        )}
      </Framed>
    </Card>
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
                  <time class="also">{clock(alert.time, zone)}</time>
                </li>
              ))}
            </ul>
          )
        }
      </Framed>
    </Card>
  );
}
