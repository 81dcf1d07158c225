import { useMemo } from "preact/hooks";
import { useKnown } from "../app/known";
import type { Explained, StatusRecord } from "../ask/flow_shapes";
import { Chart } from "../chart/chart";
import type { Layers } from "../chart/stack";
import { Card } from "../parts/card";

type Line = readonly [label: string, of: (record: StatusRecord) => number | null];

interface Kind {
  title: string;
  unit: string;
  lines: readonly Line[];
}

/** What status records measure that is drawn record by record. */
const KINDS: readonly Kind[] = [
  {
    title: "Packets lost",
    unit: "",
    lines: [
      ["source", (one) => one.slost],
      ["destination", (one) => one.dlost],
    ],
  },
  { title: "Round trip", unit: "s", lines: [["round trip", (one) => one.rtt]] },
  {
    title: "Windows",
    unit: "bytes",
    lines: [
      ["source", (one) => one.swin],
      ["destination", (one) => one.dwin],
    ],
  },
];

function layersOf(records: StatusRecord[], lines: readonly Line[]): Layers {
  return {
    times: records.map((record) => record.start),
    drawn: lines.map(([label, of], colour) => {
      const values = records.map(of);
      return { label, colour, values, own: values, area: false, dashed: false };
    }),
  };
}

/** Loss, round trips and windows from record to record; what was never measured is left out. */
export function OverTime({ flow }: { flow: Explained }) {
  const { records } = flow;
  if (records.length < 2) return null;
  return (
    <>
      {KINDS.filter(({ lines }) => records.some((record) => lines.some(([, of]) => of(record)))).map((kind) => (
        <Measure key={kind.title} kind={kind} records={records} />
      ))}
    </>
  );
}

function Measure({ kind, records }: { kind: Kind; records: StatusRecord[] }) {
  const { zone } = useKnown();
  const layers = useMemo(() => layersOf(records, kind.lines), [records, kind]);
  return (
    <Card
      title={`${kind.title} over time`}
      aside={
        kind.lines.length > 1 && (
          <p class="key">
            {kind.lines.map(([label], colour) => (
              <span key={label}>
                <span class={`swatch series-${colour}`} aria-hidden="true" /> {label}{" "}
              </span>
            ))}
          </p>
        )
      }
    >
      <Chart
        layers={layers}
        unit={kind.unit}
        zone={zone}
        height={140}
        label={`${kind.title} in the status records of the flow; the table of records has the figures`}
      />
    </Card>
  );
}
