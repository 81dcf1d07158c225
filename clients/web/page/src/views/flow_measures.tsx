import { useMemo } from "preact/hooks";
import { useKnown } from "../app/known";
import type { Explained, StatusRecord } from "../ask/flow_shapes";
import { Chart } from "../chart/chart";
import type { Layers } from "../chart/stack";
import { Card } from "../parts/card";
import { type Head, PlainTable } from "../parts/plain_table";
import { bytes, duration, whole } from "../show/numbers";
import { instant, span } from "../show/times";

function layersOf(timeline: NonNullable<Explained["timeline"]>): Layers {
  const rates = (values: number[], sign: number) => values.map((value) => (sign * 8 * value) / timeline.step);
  const layer = (label: string, colour: number, values: number[]) => ({
    label,
    colour,
    values,
    own: values,
    area: true,
    dashed: false,
  });
  return {
    step: timeline.step,
    times: timeline.sbytes.map((_value, bin) => timeline.start + bin * timeline.step),
    drawn: [
      layer("from the source", 0, rates(timeline.sbytes, 1)),
      layer("from the destination", 1, rates(timeline.dbytes, -1)),
    ],
  };
}

/** What both ends sent over time: the source upwards, the destination downwards. */
export function Bytes({ flow }: { flow: Explained }) {
  const { zone } = useKnown();
  const { timeline } = flow;
  const layers = useMemo(() => timeline && layersOf(timeline), [timeline]);
  if (!timeline || !layers) return null;
  return (
    <Card
      title="Both directions over time"
      aside={
        <p class="key">
          <span class="swatch series-0" aria-hidden="true" /> source <span class="swatch series-1" aria-hidden="true" />{" "}
          destination
        </p>
      }
    >
      <Chart
        layers={layers}
        unit="bps"
        zone={zone}
        height={180}
        label={`Bytes sent by the source and by the destination, ${span(timeline.start, timeline.start + timeline.step * timeline.sbytes.length, zone)}`}
      />
    </Card>
  );
}

/** The status records of the flow, in their order. */
export function Records({ flow }: { flow: Explained }) {
  const { zone } = useKnown();
  const both = (left: number | null, right: number | null, show: (value: number | null) => string) =>
    `${show(left)} / ${show(right)}`;
  const heads: Head<StatusRecord>[] = [
    { title: "#", right: true, cell: (row) => row.sequence },
    { title: "Start", cell: (row) => instant(row.start, zone, 6) },
    { title: "Duration", right: true, cell: (row) => duration(row.dur) },
    { title: "Packets s/d", right: true, cell: (row) => both(row.spkts, row.dpkts, whole) },
    { title: "Bytes s/d", right: true, cell: (row) => both(row.sbytes, row.dbytes, bytes) },
    { title: "Lost s/d", right: true, cell: (row) => both(row.slost, row.dlost, whole) },
    { title: "Window s/d", right: true, cell: (row) => both(row.swin, row.dwin, bytes) },
    { title: "RTT", right: true, cell: (row) => duration(row.rtt) },
    { title: "State", cell: (row) => row.state },
    { title: "Cause", cell: (row) => row.cause },
    { title: "Probe", cell: (row) => [row.probe, row.interface].filter(Boolean).join("/") },
    { title: "Verdict", cell: (row) => row.verdict ?? "" },
  ];
  return (
    <Card title={flow.records.length === 1 ? "The record" : `Its ${whole(flow.records.length)} records`} wide>
      <PlainTable label="Records over time" heads={heads} rows={flow.records} />
    </Card>
  );
}
