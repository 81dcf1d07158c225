import { useEffect, useMemo, useState } from "preact/hooks";
import { useKnown, viewLink } from "../app/known";
import { changed, go } from "../app/place";
import type { Column, Row } from "../ask/shapes";
import { Chart } from "../chart/chart";
import type { Layers } from "../chart/stack";
import { Card, Select } from "../parts/card";
import { FigureList } from "../parts/figure_list";
import { PlainTable } from "../parts/plain_table";
import { QuestionBar } from "../parts/question_bar";
import { Empty } from "../parts/states";
import { cell, isRight } from "../show/cells";
import { counted, scaled, whole } from "../show/numbers";

interface Rates {
  time: number;
  bps: number;
  pps: number;
  fps: number;
  flows: number;
  series: { key: string; bps: number }[];
}

interface Table {
  columns: Column[];
  rows: Row[];
  total: number;
}

interface Status {
  live: boolean;
  error: string | null;
}

/** Seconds of rates that are drawn. */
const KEPT = 180;

interface Stream {
  status: Status | null;
  rates: Rates[];
  table: Table | null;
  added: { records: number; generation: number } | null;
}

const NOTHING: Stream = { status: null, rates: [], table: null, added: null };

function useStream(path: string, paused: boolean): Stream {
  const [state, setState] = useState<Stream>(NOTHING);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another question begins with nothing; a pause keeps what is shown
  useEffect(() => setState(NOTHING), [path]);
  useEffect(() => {
    if (paused) return;
    const stream = new EventSource(path);
    const on = <T,>(name: string, take: (value: T) => Partial<Stream> | ((last: Stream) => Partial<Stream>)) =>
      stream.addEventListener(name, (event) => {
        const taken = take(JSON.parse((event as MessageEvent<string>).data) as T);
        setState((last) => ({ ...last, ...(typeof taken === "function" ? taken(last) : taken) }));
      });
    on<Status>("status", (status) => ({ status }));
    on<Table>("table", (table) => ({ table }));
    on<Rates>("rates", (rates) => (last: Stream) => ({ rates: [...last.rates, rates].slice(-KEPT) }));
    on<{ records: number; generation: number }>("archive", (added) => ({ added }));
    return () => stream.close();
  }, [path, paused]);
  return state;
}

function layersOf(rates: Rates[]): Layers {
  const values = rates.map((one) => one.bps);
  return {
    times: rates.map((one) => one.time),
    drawn: [{ label: "traffic", colour: 0, values, own: values, area: true, dashed: false }],
  };
}

const SORTS = [
  ["wload", "load"],
  ["bytes", "bytes"],
  ["pkts", "packets"],
  ["ltime", "last packet"],
] as const;

/** What happens now: rates, and the busiest flows. */
export function Live() {
  const { meta, place, question, zone } = useKnown();
  const [paused, setPaused] = useState(false);
  const sort = place.search.get("sort") || "wload";
  const parameters = new URLSearchParams({ q: question.filter, sort, rows: "40" });
  const { status, rates, table, added } = useStream(`/api/live?${parameters}`, paused);
  const layers = useMemo(() => layersOf(rates), [rates]);
  const latest = rates.at(-1);
  const live = status?.live ?? meta.live;
  return (
    <>
      {(live || latest) && <QuestionBar range={null} mistake={null} timed={false} />}
      <h1 class="unseen">Live</h1>
      {(live || latest) && (
        <div class="tools">
          <button type="button" aria-pressed={paused} data-key="p" title="Pause (p)" onClick={() => setPaused(!paused)}>
            {paused ? "Go on" : "Pause"}
          </button>
          <Select
            label="Sort by"
            value={sort}
            options={SORTS}
            onChange={(value) => go(changed(place, { sort: value }), "replace")}
          />
        </div>
      )}
      {status?.error && <p class="mistake">{status.error}</p>}
      {latest ? (
        <>
          <FigureList
            label="Now"
            figures={[
              ["Traffic", scaled(latest.bps, "bit/s")],
              ["Packets", scaled(latest.pps, "pkt/s")],
              ["New flows", scaled(latest.fps, "flow/s")],
              ["Flows", whole(latest.flows)],
            ]}
          />
          <Card title="The last three minutes" wide>
            <Chart
              layers={layers}
              unit="bps"
              zone={zone}
              height={150}
              label={`Traffic of the last seconds, now ${scaled(latest.bps, "bit/s")}`}
            />
          </Card>
        </>
      ) : (
        <Silent live={live} paused={paused} added={added?.records ?? null} />
      )}
      {table && (
        <Card title={`Busiest flows of ${whole(table.total)}`} wide>
          <PlainTable
            label="Busiest flows"
            rows={table.rows}
            id={(row) => row.id ?? row.text.join()}
            heads={table.columns.map((column, place_) => ({
              title: column.title,
              right: isRight(column),
              cell: (row: Row) => {
                const text = cell(column, row.values[place_] ?? null, row.text[place_] ?? "", zone);
                return place_ === 0 && row.id ? <a href={viewLink(`/flow/${row.id}`, question)}>{text}</a> : text;
              },
            }))}
          />
        </Card>
      )}
    </>
  );
}

function Silent({ live, paused, added }: { live: boolean; paused: boolean; added: number | null }) {
  if (paused) return <Empty>Paused.</Empty>;
  if (live) return <Empty>Connected. Nothing has arrived yet.</Empty>;
  return (
    <Empty>
      {added === null
        ? "Nothing arrives live here"
        : `${counted(added, "record")} ${added === 1 ? "is" : "are"} kept; new ones are shown in the other views as they arrive`}
      . Start <code>argosy web --bus kafka://…</code> to see flows as they happen.
    </Empty>
  );
}
