import { useMemo } from "preact/hooks";
import { useKnown, viewLink } from "../app/known";
import { narrowed } from "../ask/question";
import type { Pair, Quality } from "../ask/shapes";
import { Chart } from "../chart/chart";
import type { Layers } from "../chart/stack";
import { Card } from "../parts/card";
import { type Head, PlainTable } from "../parts/plain_table";
import { duration, share, whole } from "../show/numbers";

/** Whether lines would hide values that stand alone. */
function sparse(values: (number | null)[]): boolean {
  return values.filter((value) => value !== null).length * 4 < values.length;
}

function lines(quality: Quality, named: [string, (number | null)[]][]): Layers {
  const length = Math.max(...named.map(([, values]) => values.length), 0);
  return {
    step: quality.step,
    times: Array.from({ length }, (_none, bin) => quality.start + bin * quality.step),
    drawn: named.map(([label, values], colour) => ({
      label,
      colour,
      values,
      own: values,
      area: colour === 0 && named.length === 1,
      dashed: false,
      dots: named.length > 1 || sparse(values),
    })),
  };
}

/** How well packets travelled: loss and round trips over time, the worst pairs, how conversations ended. */
export function LossAndRtt({ quality }: { quality: Quality }) {
  const { zone, question } = useKnown();
  const loss = useMemo(() => lines(quality, [["loss", quality.loss]]), [quality]);
  const rtt = useMemo(
    () =>
      lines(quality, [
        ["half", quality.rtt.p50],
        ["95 of 100", quality.rtt.p95],
      ]),
    [quality],
  );
  const worst: Head<Pair>[] = [
    {
      title: "Between",
      cell: (pair) => <a href={viewLink("/flows", narrowed(question, pair.filter))}>{`${pair.saddr} ${pair.daddr}`}</a>,
    },
    { title: "Lost", right: true, cell: (pair) => whole(pair.lost) },
    { title: "Share", right: true, cell: (pair) => share(pair.loss) },
    { title: "RTT", right: true, cell: (pair) => duration(pair.rtt) },
  ];
  return (
    <>
      <Card title="Loss">
        <Chart
          layers={loss}
          unit="ratio"
          zone={zone}
          height={120}
          label="Share of packets lost or sent again over time"
        />
        {quality.worst.length > 0 && <p class="small">Pairs that lost most, in their flows with losses</p>}
        {quality.worst.length > 0 && (
          <PlainTable
            label="Pairs that lost most, in their flows with losses"
            heads={worst}
            rows={quality.worst.slice(0, 5)}
            id={(pair) => pair.key}
          />
        )}
      </Card>
      <Card title="Round trip: half and 95 of 100">
        <Chart
          layers={rtt}
          unit="s"
          zone={zone}
          height={120}
          label="TCP round trip over time, median and 95th percentile"
        />
        <ul class="chips" aria-label="States">
          {quality.states.slice(0, 10).map((state) => (
            <li key={state.key}>
              <a href={viewLink("/flows", narrowed(question, state.filter))}>
                {state.key || "–"} <b>{whole(state.flows)}</b>
              </a>
            </li>
          ))}
        </ul>
      </Card>
    </>
  );
}
