import { useKnown, viewLink } from "../app/known";
import type { Alert } from "../ask/shapes";
import { clock } from "../show/times";

/** Alerts that fired while the page was open. */
export function Arrived({ alerts, onSeen }: { alerts: Alert[]; onSeen: (id: string) => void }) {
  const { zone, question } = useKnown();
  return (
    <div class="arrived" role="log" aria-live="assertive" aria-label="Alerts that arrived">
      {alerts.map((alert) => (
        <div key={alert.id} class={`notice ${alert.severity}`}>
          <a href={viewLink("/alerts", { ...question, filter: "" }, { alert: alert.id })}>
            <b>{alert.severity}</b> {alert.summary} <time>{clock(alert.time, zone)}</time>
          </a>
          <button type="button" aria-label="Dismiss" onClick={() => onSeen(alert.id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
