import { useKnown, viewLink } from "../app/known";
import { useAnswer } from "../app/use_answer";
import type { Host as Answered, Peer, ServiceRow } from "../ask/flow_shapes";
import { asked, both } from "../ask/question";
import { Traffic } from "../chart/traffic";
import { Card } from "../parts/card";
import { type Head, PlainTable } from "../parts/plain_table";
import { QuestionBar } from "../parts/question_bar";
import { Empty, Framed } from "../parts/states";
import { bytes, scaled, share, whole } from "../show/numbers";
import { instant } from "../show/times";
import { AlertsOf } from "./flow_context";

/** One host: who it was when, what it offers and uses, with whom it talks. */
export function Host({ address }: { address: string }) {
  const { meta, question } = useKnown();
  const host = useAnswer<Answered>(asked(`/api/host/${encodeURIComponent(address)}`, question, meta.live));
  return (
    <>
      <QuestionBar range={host.answer?.range ?? null} mistake={host.mistake} />
      <Framed of={host} what={`Looking for ${address}…`}>
        {(answer) => (
          <>
            <Identity host={answer} />
            <Card title="Sent (up) and received (down)" wide>
              {answer.totals.flows === 0 ? (
                <Empty>No flows of this host in this time.</Empty>
              ) : (
                <Traffic
                  series={answer.series}
                  manner="updown"
                  height={200}
                  path={`/host/${encodeURIComponent(address)}`}
                />
              )}
            </Card>
            <div class="cards broad">
              <Services title="Services offered" rows={answer.services_offered} others="clients" />
              <Services title="Services used" rows={answer.services_used} others="servers" />
              <Peers rows={answer.peers} />
              <Asked host={answer} />
              <AlertsOf alerts={answer.alerts} />
            </div>
          </>
        )}
      </Framed>
    </>
  );
}

function Identity({ host }: { host: Answered }) {
  const { zone, question } = useKnown();
  const { totals } = host;
  const link = viewLink("/flows", { ...question, filter: both(question.filter, `host ${host.address}`) });
  const details: [string, string][] = [
    ["Names", host.names.map(({ name, source }) => (source ? `${name} (${source})` : name)).join(", ")],
    [
      "MAC",
      host.macs.map(({ mac, first, last }) => `${mac} (${instant(first, zone)} to ${instant(last, zone)})`).join(", "),
    ],
    ["First seen", instant(host.first, zone)],
    ["Last seen", instant(host.last, zone)],
    ["Country", host.country ?? ""],
    ["AS", host.as === null ? "" : String(host.as)],
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
        <a href={link}>{whole(totals.flows)} flows</a>, {bytes(totals.bytes)}, {scaled(totals.bps, "bit/s")},{" "}
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

function Services({ title, rows, others }: { title: string; rows: ServiceRow[]; others: "clients" | "servers" }) {
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
    { title: "First seen", cell: (row) => instant(row.first, zone) },
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

function Peers({ rows }: { rows: Peer[] }) {
  const { question } = useKnown();
  const heads: Head<Peer>[] = [
    {
      title: "Peer",
      cell: (row) => (
        <>
          <a href={viewLink(`/host/${encodeURIComponent(row.key)}`, question)}>{row.label}</a>
          {row.name && <span class="also">{row.name}</span>}
        </>
      ),
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

function Asked({ host }: { host: Answered }) {
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
          { title: "Name", cell: (row) => row.name },
          { title: "Queries", right: true, cell: (row) => whole(row.queries) },
          { title: "Failed", right: true, cell: (row) => whole(row.failed) },
        ]}
      />
    </Card>
  );
}
