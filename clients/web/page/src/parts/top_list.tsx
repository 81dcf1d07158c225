import { useKnown, viewLink } from "../app/known";
import { narrowed } from "../ask/question";
import type { TopRow } from "../ask/shapes";
import { change, measure } from "../show/numbers";
import { HostLink } from "./host_link";
import { Empty } from "./states";

interface Properties {
  rows: TopRow[];
  metric: string;
  unit: string | null;
  /** Whether keys are addresses, which have pages of their own. */
  hosts?: boolean;
}

function amount(row: TopRow, metric: string): number {
  const own = (row as unknown as Record<string, unknown>)[metric];
  return typeof own === "number" ? own : row.bytes;
}

/** The largest of something: its share as a bar behind the line, its figure as a link to the flows. */
export function TopList({ rows, metric, unit, hosts }: Properties) {
  const { question } = useKnown();
  if (rows.length === 0) return <Empty>None in this time.</Empty>;
  const most = Math.max(...rows.map((row) => row.share), 1e-9);
  return (
    <ol class="tops">
      {rows.map((row) => {
        const flows = row.filter ? viewLink("/flows", narrowed(question, row.filter), { sort: `-${metric}` }) : null;
        const figure = measure(amount(row, metric), unit);
        const title = row.name ? `${row.label} (${row.name})` : row.label;
        return (
          <li key={row.key}>
            <span class="bar" style={{ width: `${(100 * row.share) / most}%` }} aria-hidden="true" />
            <span class="what" title={title}>
              {hosts ? <HostLink address={row.key} label={row.label} name={row.name} /> : row.label}
            </span>
            {row.before !== null && <span class="change">{change(amount(row, metric), row.before)}</span>}
            {flows ? (
              <a class="figure" href={flows} aria-label={`${figure}: flows of ${row.label}`}>
                {figure}
              </a>
            ) : (
              <span class="figure">{figure}</span>
            )}
          </li>
        );
      })}
    </ol>
  );
}
