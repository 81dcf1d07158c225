import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { colour, onTheme, seriesColour } from "../app/theme";
import { measure } from "../show/numbers";
import { partsOf } from "../show/times";
import { extentOf, timeLabels } from "./scale";
import type { Layers } from "./stack";

interface Properties {
  layers: Layers;
  unit: string;
  zone: string;
  height: number;
  /** What the picture says, in a sentence, for those who do not see it. */
  label: string;
  onPoint?: (bin: number | null) => void;
  onBrush?: (from: number, to: number) => void;
}

function faded(shade: string, share: number): string {
  return `color-mix(in srgb, ${shade} ${share}%, transparent)`;
}

function seriesOf({ drawn }: Layers): uPlot.Series[] {
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  const lines = drawn.map((layer): uPlot.Series => {
    const shade = seriesColour(layer.colour);
    const path = layer.dots ? () => null : stepped;
    return {
      label: layer.label,
      stroke: shade,
      width: layer.area ? 1 : 1.5,
      points: layer.dots ? { show: true, size: 4, fill: shade, width: 0 } : { show: false },
      ...(layer.area ? { fill: faded(shade, 100) } : {}),
      ...(layer.dashed ? { dash: [5, 4] } : {}),
      ...(path ? { paths: path } : {}),
    };
  });
  return [{}, ...lines];
}

function axes(unit: string, zone: string): uPlot.Axis[] {
  const look = {
    stroke: colour("muted"),
    grid: { stroke: colour("grid"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui, sans-serif",
  };
  return [
    { ...look, space: 76, size: 40, values: (plot, splits) => timeLabels(splits, zone, plot.scales.x?.min ?? 0) },
    { ...look, size: 76, space: 34, values: (_plot, splits) => splits.map((split) => measure(Math.abs(split), unit)) },
  ];
}

/** uPlot counts in the zone of the browser: times are shifted to that of the question by a date made from its parts. */
function dateIn(zone: string): (time: number) => Date {
  return (time) => {
    const { date, time: wall } = partsOf(time, zone);
    return new Date(`${date}T${wall}`);
  };
}

function options(properties: Properties, width: number, hooks: uPlot.Hooks.Arrays): uPlot.Options {
  return {
    width,
    height: properties.height,
    tzDate: dateIn(properties.zone),
    legend: { show: false },
    padding: [10, 28, 0, 0],
    cursor: { drag: { x: Boolean(properties.onBrush), y: false, setScale: false }, points: { show: false }, y: false },
    scales: {
      x: { time: true, range: () => extentOf(properties.layers) },
      y: { range: (_plot, low, high) => extent(low, high) },
    },
    series: seriesOf(properties.layers),
    axes: axes(properties.unit, properties.zone),
    hooks,
  };
}

function extent(low: number | null, high: number | null): [number, number] {
  const most = Math.max(high ?? 0, 0);
  const least = Math.min(low ?? 0, 0);
  return most === 0 && least === 0 ? [0, 1] : [least * 1.06, most * 1.06];
}

/** Bins end where the next begins; the last one ends at a time of its own, or it would have no width. */
function data({ times, step, drawn }: Layers): uPlot.AlignedData {
  if (!step || times.length === 0) return [times, ...drawn.map(({ values }) => values)] as uPlot.AlignedData;
  const closed = drawn.map(({ dots, values }) => [...values, dots ? null : (values.at(-1) ?? null)]);
  return [[...times, (times.at(-1) ?? 0) + step], ...closed] as uPlot.AlignedData;
}

/** A picture over time; dragging selects a part of it. */
export function Chart(properties: Properties) {
  const frame = useRef<HTMLDivElement>(null);
  const latest = useRef(properties);
  latest.current = properties;
  const { layers, unit, zone, height } = properties;
  useEffect(() => {
    const box = frame.current;
    if (!box) return;
    let plot: uPlot | null = null;
    const draw = () => {
      plot?.destroy();
      const asked = { ...latest.current, layers, unit, zone, height };
      plot = new uPlot(options(asked, box.clientWidth, hooksFor(latest)), data(layers), box);
    };
    const resized = new ResizeObserver(() => plot?.setSize({ width: box.clientWidth, height }));
    draw();
    resized.observe(box);
    const forget = onTheme(draw);
    return () => {
      forget();
      resized.disconnect();
      plot?.destroy();
    };
  }, [layers, unit, zone, height]);
  return <div class="chart" ref={frame} role="img" aria-label={properties.label} />;
}

function binAt(plot: uPlot, bins: number): number | null {
  const place = plot.cursor.idx;
  return place === null || place === undefined ? null : Math.min(place, bins - 1);
}

function hooksFor(latest: { current: Properties }): uPlot.Hooks.Arrays {
  return {
    setCursor: [(plot) => latest.current.onPoint?.(binAt(plot, latest.current.layers.times.length))],
    setSelect: [
      (plot) => {
        const { left, width } = plot.select;
        if (width < 3) return;
        const from = plot.posToVal(left, "x");
        const to = plot.posToVal(left + width, "x");
        plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        latest.current.onBrush?.(from, to);
      },
    ],
  };
}
