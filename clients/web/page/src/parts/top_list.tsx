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
  /** How a key is said to people, where the server's label is a code. */
  said?: ((key: string) => string) | undefined;
}

/** Fields that flows are sorted by, where a metric has another name. */
const SORTED: Record<string, string> = { rtt: "tcprtt", lost: "loss" };

function amount(row: TopRow, metric: string): number {
  const own = (row as unknown as Record<string, unknown>)[metric];
  return typeof own === "number" ? own : Number.NaN;
}

/** The largest of something: its share as a bar behind the line, its figure as a link to the flows. */
export function TopList({ rows, metric, unit, hosts, said }: Properties) {
  const { question } = useKnown();
  if (rows.length === 0) return <Empty>None in this time.</Empty>;
  // Means have no share of a whole: their bars compare them with the largest.
  const weight = (row: TopRow) => row.share ?? (amount(row, metric) || 0);
  const most = Math.max(...rows.map(weight), 1e-9);
  return (
    <ol class="tops">
      {rows.map((row) => {
        const flows = row.filter
          ? viewLink("/flows", narrowed(question, row.filter), { sort: `-${SORTED[metric] ?? metric}` })
          : null;
        const figure = measure(amount(row, metric), unit);
        const label = said ? said(row.key) : row.label;
        const title = row.name ? `${label} (${row.name})` : label;
        return (
          <li key={row.key}>
            <span class="bar" style={{ width: `${(100 * weight(row)) / most}%` }} aria-hidden="true" />
            <span class="what" title={title}>
              {hosts ? <HostLink address={row.key} label={row.label} name={row.name} /> : label}
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
