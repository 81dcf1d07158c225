import { useKnown, viewLink } from "../app/known";
import type { End, Explained, Named, Transaction } from "../ask/flow_shapes";
import { EVERYTHING } from "../ask/question";
import type { Alert } from "../ask/shapes";
import { Card } from "../parts/card";
import { HostLink } from "../parts/host_link";
import { type Head, PlainTable } from "../parts/plain_table";
import { duration } from "../show/numbers";
import { instant } from "../show/times";

const DETAILS = [
  ["mac", "MAC"],
  ["process", "Process"],
  ["pid", "Its number"],
  ["user", "User"],
  ["container", "Container"],
  ["pod", "Pod"],
  ["sure", "Known by"],
  ["station", "Station"],
  ["switch", "Switch"],
  ["switch_port", "Switch port"],
  ["country", "Country"],
  ["as", "AS"],
  ["network", "Network"],
] as const;

function namesOf(names: Named[]): string {
  return names.map(({ name, source }) => (source ? `${name} (${source})` : name)).join(", ");
}

function OneEnd({ title, end }: { title: string; end: End }) {
  const details = DETAILS.flatMap(([key, label]) => {
    const value = end[key];
    return value === null || value === undefined || value === "" ? [] : [[label, String(value)] as const];
  });
  return (
    <div class="end">
      <h3>{title}</h3>
      <p class="address">
        <HostLink address={end.address} />
        {end.port !== null && <span class="also">port {end.port}</span>}
      </p>
      <dl class="details">
        {end.names.length > 0 && (
          <div>
            <dt>Names</dt>
            <dd>{namesOf(end.names)}</dd>
          </div>
        )}
        {details.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

/** Who the two ends were at that time. */
export function Ends({ ends }: { ends: Explained["ends"] }) {
  return (
    <Card title="Ends, as of then">
      <div class="ends">
        <OneEnd title="Source" end={ends.src} />
        <OneEnd title="Destination" end={ends.dst} />
      </div>
    </Card>
  );
}

export function transactionHeads(zone: string): Head<Transaction>[] {
  return [
    { title: "Time", cell: (row) => <time>{instant(row.time, zone, 3)}</time> },
    { title: "Name", cell: (row) => row.name },
    { title: "Type", cell: (row) => row.type },
    { title: "Code", cell: (row) => row.code ?? "no answer" },
    { title: "Answers", cell: (row) => row.answers.join(", ") },
    { title: "Client", cell: (row) => row.client },
    { title: "Server", cell: (row) => row.server },
    { title: "Took", right: true, cell: (row) => duration(row.rtt) },
  ];
}

/** What the client asked DNS before it talked to the address. */
export function DnsBefore({ flow }: { flow: Explained }) {
  const { zone } = useKnown();
  if (flow.dns.length === 0) return null;
  const before: Head<Transaction> = { title: "Before the flow", right: true, cell: (row) => duration(row.before) };
  return (
    <Card title="The DNS that led to it" wide>
      <PlainTable label="DNS transactions" heads={[...transactionHeads(zone), before]} rows={flow.dns} />
    </Card>
  );
}

export function AlertsOf({ alerts }: { alerts: Alert[] }) {
  const { zone } = useKnown();
  if (alerts.length === 0) return null;
  return (
    <Card title="Alerts">
      <ul class="alerts">
        {alerts.map((alert) => (
          <li key={alert.id}>
            <span class={`severity ${alert.severity}`}>{alert.severity}</span>
            <a href={viewLink("/alerts", EVERYTHING, { alert: alert.id })}>{alert.summary}</a>
            <time class="also">{instant(alert.time, zone)}</time>
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** Where the record came from, and which messages of topics lie in the same file. */
export function MergedFrom({ flow }: { flow: Explained }) {
  const { records, kept } = flow.merged_from;
  return (
    <Card title="Merged from">
      <p>
        {records} status {records === 1 ? "record" : "records"}
      </p>
      <ul class="told">
        {kept.map(({ file, rows, offsets }) => (
          <li key={file}>
            kept in <code>{file}</code>
            {rows.length > 0 && `, ${rows.length === 1 ? "row" : "rows"} ${rows.slice(0, 20).join(", ")}`}
            {Object.entries(offsets).map(([source, [first, last]]) => (
              <p key={source}>
                with offsets {first} to {last} of <code>{source}</code>
              </p>
            ))}
          </li>
        ))}
      </ul>
    </Card>
  );
}

export function Related({ flow }: { flow: Explained }) {
  const { question } = useKnown();
  if (flow.related.length === 0) return null;
  return (
    <Card title="Go on">
      <ul class="told">
        {flow.related.map(({ text, filter }) => (
          <li key={filter}>
            <a href={viewLink("/flows", { ...question, filter })}>{text}</a>
          </li>
        ))}
      </ul>
    </Card>
  );
}
