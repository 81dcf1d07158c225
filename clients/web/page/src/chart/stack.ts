import type { OneSeries, Series } from "../ask/shapes";

export type Manner = "stacked" | "lines" | "updown";

export interface Drawn {
  label: string;
  /** Place in the palette; -1 for all the rest, -2 for the period before. */
  colour: number;
  values: (number | null)[];
  /** What this one adds, below what is stacked: told when pointed at. */
  own: (number | null)[];
  area: boolean;
  dashed: boolean;
  /** Single values that no line joins: measurements that come now and then. */
  dots?: boolean;
}

export interface Layers {
  times: number[];
  /** Seconds that each value holds for, where it is that of a bin. */
  step?: number;
  drawn: Drawn[];
}

type Values = (number | null)[];

/** Sums become rates for what has one: bytes to bit/s, others per second; means (loss, rtt) stay. */
export function rateOf(metric: string, step: number): { factor: number; unit: string } {
  if (metric === "loss") return { factor: 1, unit: "ratio" };
  if (metric === "rtt") return { factor: 1, unit: "s" };
  if (metric.endsWith("bytes")) return { factor: 8 / step, unit: "bps" };
  if (metric.endsWith("pkts") || metric === "lost") return { factor: 1 / step, unit: "pps" };
  return { factor: 1 / step, unit: "1/s" };
}

export function isSummable(metric: string): boolean {
  return metric !== "loss" && metric !== "rtt";
}

function times(values: Values, factor: number): Values {
  return values.map((value) => (value === null ? null : value * factor));
}

/** Each list plus all before it, so that the last drawn is on top. */
function stacked(lists: Values[]): Values[] {
  let below: number[] = [];
  return lists.map((list) => {
    below = list.map((value, place) => (value ?? 0) + (below[place] ?? 0));
    return below;
  });
}

function everySeries(series: Series): { one: OneSeries; colour: number }[] {
  const all = series.series.map((one, colour) => ({ one, colour }));
  return series.rest && series.rest.total > 0 ? [...all, { one: series.rest, colour: -1 }] : all;
}

function layersOf(series: Series, pick: (one: OneSeries) => Values, factor: number, stack: boolean): Drawn[] {
  const all = everySeries(series);
  const own = all.map(({ one }) => times(pick(one), factor));
  const shown = stack ? stacked(own) : own;
  return all.map(({ one, colour }, place) => ({
    label: one.label,
    colour,
    values: shown[place] ?? [],
    own: own[place] ?? [],
    area: stack,
    dashed: false,
  }));
}

/** What is drawn of an answer: stacked areas (lines where sums mean nothing), lines, or sent up and received down. */
export function layers(series: Series, manner: Manner): Layers {
  const { factor } = rateOf(series.metric, series.step);
  const start = Array.from({ length: series.bins }, (_none, bin) => series.start + bin * series.step);
  const stack = manner !== "lines" && isSummable(series.metric);
  let drawn: Drawn[];
  if (manner === "updown" && series.series.every((one) => one.up && one.down)) {
    const up = layersOf(series, (one) => one.up ?? [], factor, true);
    const down = layersOf(series, (one) => one.down ?? [], -factor, true);
    drawn = [...up.reverse(), ...down.reverse()];
  } else {
    drawn = layersOf(series, (one) => one.values, factor, stack).reverse();
  }
  if (series.before) {
    const values = times(series.before.values, factor);
    drawn.push({ label: "period before", colour: -2, values, own: values, area: false, dashed: true });
  }
  return { times: start, step: series.step, drawn };
}
