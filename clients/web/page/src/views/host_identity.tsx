import type { ComponentChildren } from "preact";
import { useKnown, viewLink } from "../app/known";
import type { Host as Answered, Attached, InNetwork, UsedBy } from "../ask/flow_shapes";
import { both } from "../ask/question";
import { countryName } from "../map/codes";
import { Card } from "../parts/card";
import { type Head, PlainTable } from "../parts/plain_table";
import { bytes, counted, scaled, share, whole } from "../show/numbers";
import { instant, span } from "../show/times";

/** Who the host was: names, cards, when it was seen. */
export function Identity({ host }: { host: Answered }) {
  const { zone, question } = useKnown();
  const { totals } = host;
  const link = viewLink("/flows", { ...question, filter: both(question.filter, `host ${host.address}`) });
  const details: [string, string][] = [
    ["Names", host.names.map(({ name, source }) => (source ? `${name} (${source})` : name)).join(", ")],
    [
      "MAC",
      host.macs
        .map(({ mac, first, last }) => `${mac} (${first === last ? instant(first, zone) : span(first, last, zone)})`)
        .join(", "),
    ],
    ["First seen", instant(host.first_ever ?? host.first, zone)],
    ["In this time", span(host.first, host.last, zone)],
    ["Country", host.country ? `${countryName(host.country)} (${host.country})` : ""],
    ["Owner", [host.as === null ? "" : `AS${host.as}`, host.networks[0]?.organization].filter(Boolean).join(", ")],
    ["Switch port", [host.attached[0]?.switch, host.attached[0]?.port].filter(Boolean).join(" ")],
    ["Users", host.users.join(", ")],
    ["Locality", host.locality ?? ""],
  ];
  return (
    <header class="subject">
      <h1>
        {host.address}
        {host.names[0] && <span class="also">{host.names[0].name}</span>}
      </h1>
      <p>
        <a href={link}>{counted(totals.flows, "flow")}</a>, {bytes(totals.bytes)}, {scaled(totals.bps, "bit/s")},{" "}
        {share(totals.loss)} lost or sent again
      </p>
      <dl class="details across">
        {details
          .filter(([, value]) => value && value !== "–")
          .map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </header>
  );
}

/** From when to when, and by how many flows. */
function whileHeads<T extends { first: number; last: number; flows: number }>(zone: string): Head<T>[] {
  return [
    { title: "When", wraps: true, cell: (row) => span(row.first, row.last, zone) },
    { title: "Flows", right: true, cell: (row) => whole(row.flows) },
  ];
}

function Told<T extends { first: number; last: number; flows: number }>({
  title,
  heads,
  rows,
}: {
  title: string;
  heads: [string, (row: T) => ComponentChildren][];
  rows: T[];
}) {
  const { zone } = useKnown();
  if (rows.length === 0) return null;
  const own = heads
    .filter(([, cell]) => rows.some((row) => cell(row)))
    .map(([name, cell]): Head<T> => ({ title: name, cell: (row) => cell(row) ?? "" }));
  return (
    <Card title={title}>
      <PlainTable label={title} heads={[...own, ...whileHeads<T>(zone)]} rows={rows.slice(0, 15)} />
    </Card>
  );
}

/** The switch ports that the host was on, by what devices told. */
export function Attachments({ rows }: { rows: Attached[] }) {
  return (
    <Told
      title="Where it was attached"
      rows={rows}
      heads={[
        ["Switch", (row) => row.switch],
        ["Port", (row) => row.port],
        ["Station", (row) => row.station],
      ]}
    />
  );
}

/** The processes and users whose connections these were. */
export function Users({ rows }: { rows: UsedBy[] }) {
  return (
    <Told
      title="Processes and users"
      rows={rows}
      heads={[
        ["Process", (row) => row.process],
        ["User", (row) => row.user],
        ["Container", (row) => row.container],
        ["Pod", (row) => row.pod],
      ]}
    />
  );
}

/** Whose network the address is in. */
export function Owners({ rows }: { rows: InNetwork[] }) {
  return (
    <Told
      title="Owners of its network"
      rows={rows}
      heads={[
        ["AS", (row) => row.as && `AS${row.as}`],
        ["Organization", (row) => row.organization],
        ["Country", (row) => row.country],
      ]}
    />
  );
}
