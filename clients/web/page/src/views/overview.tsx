import { useKnown } from "../app/known";
import { changed, go } from "../app/place";
import { useAnswer } from "../app/use_answer";
import { asked } from "../ask/question";
import type { Overview as Answered } from "../ask/shapes";
import { isSummable, type Manner, rateOf } from "../chart/stack";
import { Traffic } from "../chart/traffic";
import { countryName } from "../map/codes";
import { Card, Choice, Select } from "../parts/card";
import { QuestionBar } from "../parts/question_bar";
import { Empty, Framed } from "../parts/states";
import { TopList } from "../parts/top_list";
import { MirrorPorts } from "./mirror_ports";
import { Figures } from "./overview_figures";
import { LatestAlerts, NewSince } from "./overview_findings";
import { LossAndRtt } from "./overview_quality";

const MANNERS = [
  ["stacked", "Stacked"],
  ["lines", "Lines"],
  ["updown", "Up and down"],
] as const;

const TOPS = [
  ["addr", "Hosts"],
  ["service", "Services"],
  ["proto", "Protocols"],
  ["name", "Names"],
  ["country", "Countries"],
  ["as", "Autonomous systems"],
] as const;

const PSEUDO: Record<string, string> = {
  addr: "host",
  service: "service",
  country: "country",
  as: "AS",
  name: "name",
  pair: "pair of hosts",
  proto: "protocol",
};

function option(search: URLSearchParams, name: string, otherwise: string): string {
  return search.get(name) || otherwise;
}

/** What happened in a time, at a glance; each figure leads to its flows. */
export function Overview() {
  const { meta, place, question } = useKnown();
  const by = option(place.search, "by", "service");
  const metric = option(place.search, "metric", "bytes");
  const manner = option(place.search, "manner", "stacked") as Manner;
  const compare = option(place.search, "compare", "0");
  const parameters = {
    by: by === "nothing" ? "" : by,
    metric,
    compare,
    direction: manner === "updown" ? 1 : "",
    bins: 160,
    top: 7,
  };
  const overview = useAnswer<Answered>(asked("/api/overview", question, meta.live, parameters));
  const set = (values: Record<string, string>) => go(changed(place, values), "replace");
  return (
    <>
      <QuestionBar range={overview.answer?.range ?? null} mistake={overview.mistake} />
      <h1 class="unseen">Overview</h1>
      <Framed of={overview} what="Adding up…">
        {(answer) => (
          <>
            {answer.prepared < 1 && (
              <p class="note">
                Still preparing older files: {Math.round(answer.prepared * 100)} % are in these figures.
              </p>
            )}
            <Figures answer={answer} />
            <Card
              title="Traffic over time"
              wide
              aside={
                <div class="controls">
                  <Select label="by" value={by} options={choices(meta.by)} onChange={(value) => set({ by: value })} />
                  <Select
                    label="of"
                    value={metric}
                    options={meta.metrics.map((one) => [one.name, one.title])}
                    onChange={(value) => set({ metric: value })}
                  />
                  <Choice
                    label="Manner"
                    value={manner}
                    options={MANNERS}
                    onChange={(value) => set({ manner: value })}
                  />
                  <label class="tick">
                    <input
                      type="checkbox"
                      checked={compare === "1"}
                      onChange={(event) => set({ compare: event.currentTarget.checked ? "1" : "" })}
                    />
                    Compare with before
                  </label>
                </div>
              }
            >
              {answer.totals.flows === 0 ? <Nothing /> : <Traffic series={answer.series} manner={manner} path="/" />}
            </Card>
            <div class="cards tops-of">
              {TOPS.filter(([name]) => (answer.tops[name] ?? []).length > 0 || name === "addr").map(([name, title]) => (
                <Card key={name} title={title}>
                  <TopList
                    rows={answer.tops[name] ?? []}
                    metric={metric}
                    unit={isSummable(metric) ? unitOf(meta.metrics, metric) : rateOf(metric, 1).unit}
                    hosts={name === "addr"}
                    said={name === "country" ? countryOf : undefined}
                  />
                </Card>
              ))}
            </div>
            <div class="cards findings">
              <LossAndRtt quality={answer.quality} />
              <MirrorPorts />
              <LatestAlerts />
              <NewSince />
            </div>
          </>
        )}
      </Framed>
    </>
  );
}

function countryOf(code: string): string {
  return `${code} ${countryName(code)}`;
}

function unitOf(metrics: { name: string; unit: string }[], metric: string): string | null {
  return metrics.find((one) => one.name === metric)?.unit ?? null;
}

function choices(by: string[]): [string, string][] {
  return [["nothing", "everything"], ...by.map((name): [string, string] => [name, PSEUDO[name] ?? name])];
}

function Nothing() {
  return <Empty>No flows in this time. A longer time or a wider filter has some.</Empty>;
}
