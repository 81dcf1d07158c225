import { useMemo } from "preact/hooks";
import { useKnown } from "../app/known";
import { changed, go } from "../app/place";
import { useAnswer } from "../app/use_answer";
import type { Dns as Answered } from "../ask/flow_shapes";
import { asked } from "../ask/question";
import { Chart } from "../chart/chart";
import type { Layers } from "../chart/stack";
import { Card } from "../parts/card";
import { FigureList } from "../parts/figure_list";
import { HostLink } from "../parts/host_link";
import { PlainTable } from "../parts/plain_table";
import { QuestionBar } from "../parts/question_bar";
import { Empty, Framed } from "../parts/states";
import { duration, share, whole } from "../show/numbers";
import { instant } from "../show/times";
import { transactionHeads } from "./flow_context";

function layersOf(series: Answered["series"]): Layers {
  const line = (label: string, colour: number, values: number[], area: boolean) => ({
    label,
    colour,
    values,
    own: values,
    area,
    dashed: false,
  });
  return {
    step: series.step,
    times: series.queries.map((_value, bin) => series.start + bin * series.step),
    drawn: [line("queries", 0, series.queries, true), line("failed", 3, series.failed, true)],
  };
}

/** What was asked of DNS, by whom, and what failed. */
export function Dns() {
  const { meta, place, question } = useKnown();
  const name = place.search.get("name") ?? "";
  const client = place.search.get("client") ?? "";
  const dns = useAnswer<Answered>(
    asked("/api/dns", { ...question, filter: "" }, meta.live, { name, client, limit: 50 }),
  );
  const set = (values: Record<string, string>) => go(changed(place, values), "replace");
  return (
    <>
      <QuestionBar range={dns.answer?.range ?? null} mistake={dns.mistake} filtered={false} />
      <h1 class="unseen">DNS</h1>
      <div class="tools">
        <Narrow label="Name" value={name} onChange={(value) => set({ name: value })} />
        <Narrow label="Client" value={client} onChange={(value) => set({ client: value })} />
      </div>
      <Framed of={dns} what="Reading DNS…">
        {(answer) =>
          answer.totals.queries === 0 ? (
            <Empty>No DNS transactions are kept of this time.</Empty>
          ) : (
            <Answers answer={answer} set={set} />
          )
        }
      </Framed>
    </>
  );
}

function Narrow({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  return (
    <form
      class="select"
      onSubmit={(event) => {
        event.preventDefault();
        onChange(String(new FormData(event.currentTarget).get("value") ?? "").trim());
      }}
    >
      <label class="select">
        <span>{label}</span>
        <input key={value} type="search" name="value" defaultValue={value} spellcheck={false} />
      </label>
    </form>
  );
}

function Answers({ answer, set }: { answer: Answered; set: (values: Record<string, string>) => void }) {
  const { zone } = useKnown();
  const layers = useMemo(() => layersOf(answer.series), [answer]);
  const { totals } = answer;
  const figures = [
    ["Queries", whole(totals.queries)],
    ["Without a good answer", `${whole(totals.failed)} (${share(totals.failed / totals.queries)})`],
    ["Clients", whole(totals.clients)],
    ["Names", whole(totals.names)],
  ] as const;
  const named = (name: string) => (
    <button type="button" class="plain" onClick={() => set({ name })}>
      {name || "."}
    </button>
  );
  const host = (address: string) => <HostLink address={address} />;
  return (
    <>
      <FigureList label="Totals" figures={figures} />
      <Card title="Queries over time; those without a good answer in front" wide>
        <Chart
          layers={layers}
          unit=""
          zone={zone}
          height={150}
          label="DNS queries over time, and how many of them failed"
        />
      </Card>
      <div class="cards broad">
        <Card title="Names">
          <PlainTable
            label="Names"
            rows={answer.names.slice(0, 15)}
            heads={[
              { title: "Name", cell: (row) => named(row.name) },
              { title: "Queries", right: true, cell: (row) => whole(row.queries) },
              { title: "Failed", right: true, cell: (row) => whole(row.failed) },
              { title: "Clients", right: true, cell: (row) => whole(row.clients) },
            ]}
          />
        </Card>
        <Card title="Clients">
          <PlainTable
            label="Clients"
            rows={answer.clients.slice(0, 15)}
            heads={[
              { title: "Client", cell: (row) => host(row.client) },
              { title: "Queries", right: true, cell: (row) => whole(row.queries) },
              { title: "Failed", right: true, cell: (row) => whole(row.failed) },
              { title: "Names", right: true, cell: (row) => whole(row.names) },
            ]}
          />
        </Card>
        <Card title="Failures">
          {answer.failures.length === 0 ? (
            <Empty>None.</Empty>
          ) : (
            <PlainTable
              label="Failures"
              rows={answer.failures.slice(0, 15)}
              heads={[
                { title: "Name", cell: (row) => named(row.name) },
                { title: "Code", cell: (row) => row.code },
                { title: "Queries", right: true, cell: (row) => whole(row.queries) },
                { title: "Clients", right: true, cell: (row) => whole(row.clients) },
              ]}
            />
          )}
        </Card>
        <Card title="New domains">
          {answer.new.length === 0 ? (
            <Empty>None that was not asked for before.</Empty>
          ) : (
            <PlainTable
              label="New domains"
              rows={answer.new.slice(0, 15)}
              heads={[
                { title: "Domain", cell: (row) => row.domain },
                { title: "First", cell: (row) => instant(row.first, zone) },
                { title: "Queries", right: true, cell: (row) => whole(row.queries) },
                { title: "Clients", right: true, cell: (row) => whole(row.clients) },
              ]}
            />
          )}
        </Card>
        <Card title="Servers">
          <PlainTable
            label="Servers"
            rows={answer.servers.slice(0, 10)}
            heads={[
              { title: "Server", cell: (row) => host(row.server) },
              { title: "Queries", right: true, cell: (row) => whole(row.queries) },
              { title: "Failed", right: true, cell: (row) => whole(row.failed) },
              { title: "Took", right: true, cell: (row) => duration(row.rtt) },
            ]}
          />
        </Card>
        <Card title="Types">
          <PlainTable
            label="Types"
            rows={answer.types}
            heads={[
              { title: "Type", cell: (row) => row.type },
              { title: "Queries", right: true, cell: (row) => whole(row.queries) },
            ]}
          />
        </Card>
        <Card title="Transactions, newest first" wide>
          <PlainTable label="Transactions" heads={transactionHeads(zone)} rows={answer.transactions} />
        </Card>
      </div>
    </>
  );
}
