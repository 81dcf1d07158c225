import { useKnown, viewLink } from "../app/known";
import type { Host as Answered, Peer, Scan, ServiceRow } from "../ask/flow_shapes";
import { Card } from "../parts/card";
import { HostLink } from "../parts/host_link";
import { type Head, PlainTable } from "../parts/plain_table";
import { Empty } from "../parts/states";
import { bytes, whole } from "../show/numbers";
import { clock, instant } from "../show/times";

/** What the host offered, or used of others. */
export function Services({
  title,
  rows,
  others,
}: {
  title: string;
  rows: ServiceRow[];
  others: "clients" | "servers";
}) {
  const { question, zone } = useKnown();
  const heads: Head<ServiceRow>[] = [
    {
      title: "Service",
      cell: (row) =>
        row.filter ? <a href={viewLink("/flows", { ...question, filter: row.filter })}>{row.service}</a> : row.service,
    },
    { title: others === "clients" ? "Clients" : "Servers", right: true, cell: (row) => whole(row[others]) },
    { title: "Flows", right: true, cell: (row) => whole(row.flows) },
    { title: "Bytes", right: true, cell: (row) => bytes(row.bytes) },
    { title: "First seen", wraps: true, cell: (row) => instant(row.first, zone) },
  ];
  return (
    <Card title={title}>
      {rows.length === 0 ? (
        <Empty>None in this time.</Empty>
      ) : (
        <PlainTable label={title} heads={heads} rows={rows.slice(0, 15)} />
      )}
    </Card>
  );
}

/** With whom it talked most. */
export function Peers({ rows }: { rows: Peer[] }) {
  const { question } = useKnown();
  const heads: Head<Peer>[] = [
    {
      title: "Peer",
      cell: (row) => <HostLink address={row.key} label={row.label} name={row.name} />,
    },
    { title: "Sent", right: true, cell: (row) => bytes(row.sent) },
    { title: "Received", right: true, cell: (row) => bytes(row.received) },
    {
      title: "Flows",
      right: true,
      cell: (row) =>
        row.filter ? (
          <a href={viewLink("/flows", { ...question, filter: row.filter })}>{whole(row.flows)}</a>
        ) : (
          whole(row.flows)
        ),
    },
  ];
  return (
    <Card title="Peers">
      {rows.length === 0 ? (
        <Empty>None in this time.</Empty>
      ) : (
        <PlainTable label="Peers" heads={heads} rows={rows.slice(0, 15)} />
      )}
    </Card>
  );
}

/** The names that it asked for. */
export function AskedFor({ host }: { host: Answered }) {
  const { question } = useKnown();
  const names = host.dns?.asked ?? [];
  if (names.length === 0) return null;
  return (
    <Card
      title="Names it asked for"
      aside={<a href={viewLink("/dns", { ...question, filter: "" }, { client: host.address })}>All</a>}
    >
      <PlainTable
        label="Names asked for"
        rows={names.slice(0, 15)}
        heads={[
          {
            title: "Name",
            cell: (row) => (
              <a href={viewLink("/dns", { ...question, filter: "" }, { client: host.address, name: row.name })}>
                {row.name}
              </a>
            ),
          },
          { title: "Queries", right: true, cell: (row) => whole(row.queries) },
          { title: "Failed", right: true, cell: (row) => whole(row.failed) },
        ]}
      />
    </Card>
  );
}

/** What it tried at others in vain, and others at it: more than chance would have it. */
export function Scans({ rows }: { rows: Scan[] }) {
  const { question, zone } = useKnown();
  if (rows.length === 0) return null;
  return (
    <Card title="Scans">
      <ul class="alerts">
        {rows.map((row) => (
          <li key={`${row.did}${row.text}`}>
            <span class={row.did ? "severity high" : "severity medium"}>{row.did ? "did" : "suffered"}</span>
            {row.filter ? (
              <a href={viewLink("/flows", { ...question, filter: row.filter })}>{row.text}</a>
            ) : (
              <span>{row.text}</span>
            )}
            <time class="also">{clock(row.first, zone)}</time>
          </li>
        ))}
      </ul>
    </Card>
  );
}
