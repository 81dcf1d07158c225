import { useMemo, useState } from "preact/hooks";
import { useKnown, viewLink } from "../app/known";
import { go } from "../app/place";
import { narrowed, within } from "../ask/question";
import type { OneSeries, Series } from "../ask/shapes";
import { measure } from "../show/numbers";
import { instant, span } from "../show/times";
import { Chart } from "./chart";
import { isSummable, layers, type Manner, rateOf } from "./stack";

/** Traffic over time with a legend whose figures are links to the flows; dragging asks for that time. */
export function Traffic({
  series,
  manner,
  height = 260,
  path,
}: {
  series: Series;
  manner: Manner;
  height?: number;
  path: string;
}) {
  const { zone, question, place } = useKnown();
  const [bin, setBin] = useState<number | null>(null);
  const drawn = useMemo(() => layers(series, manner), [series, manner]);
  const { unit } = rateOf(series.metric, series.step);
  const end = series.start + series.bins * series.step;
  const zoom = (from: number, to: number) => {
    const kept = new URLSearchParams(place.search);
    for (const [name, value] of new URL(viewLink(path, within(question, from, to)), location.origin).searchParams)
      kept.set(name, value);
    kept.delete("t");
    go(`${path}?${kept}`);
  };
  const names = series.series
    .slice(0, 3)
    .map((one) => one.label)
    .join(", ");
  const label = `${series.metric} over time from ${span(series.start, end, zone)}${names ? `, most by ${names}` : ""}`;
  return (
    <div class="traffic">
      <Chart layers={drawn} unit={unit} zone={zone} height={height} label={label} onPoint={setBin} onBrush={zoom} />
      <Legend series={series} bin={bin} zone={zone} />
    </div>
  );
}

/** What either end of a flow may be. */
const EITHER = new Set(["addr", "country", "as", "name", "locality"]);

function figureAt(one: OneSeries, bin: number | null, series: Series): string {
  const { factor, unit } = rateOf(series.metric, series.step);
  if (bin === null) return measure(one.total, isSummable(series.metric) ? series.unit : unit);
  const value = one.values[bin];
  return measure(value === null || value === undefined ? null : value * factor, unit);
}

function Legend({ series, bin, zone }: { series: Series; bin: number | null; zone: string }) {
  const { question } = useKnown();
  const all = series.rest && series.rest.total > 0 ? [...series.series, series.rest] : series.series;
  return (
    <div class="legend">
      <p class="small">
        {bin === null ? "In this time" : instant(series.start + bin * series.step, zone)}
        {EITHER.has(series.by) && ", both ends of each flow"}
      </p>
      <ul>
        {all.map((one, place) => (
          <li key={one.key ?? "\u0000rest"}>
            <span class={`swatch ${one.key === null ? "rest" : `series-${place % 8}`}`} aria-hidden="true" />
            <span class="what" title={one.label}>
              {one.label || "–"}
            </span>
            {one.filter ? (
              <a
                class="figure"
                href={viewLink("/flows", narrowed(question, one.filter))}
                aria-label={`${figureAt(one, bin, series)}: flows of ${one.label}`}
              >
                {figureAt(one, bin, series)}
              </a>
            ) : (
              <span class="figure">{figureAt(one, bin, series)}</span>
            )}
          </li>
        ))}
        {series.before && (
          <li>
            <span class="swatch before" aria-hidden="true" />
            <span class="what">period before</span>
            <span class="figure">
              {measure(series.before.total, isSummable(series.metric) ? series.unit : rateOf(series.metric, 1).unit)}
            </span>
          </li>
        )}
      </ul>
    </div>
  );
}
