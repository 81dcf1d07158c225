import { partsOf } from "../show/times";
import type { Layers } from "./stack";

/** Times below the picture; the date stands below the first, and where another day begins. */
export function timeLabels(splits: number[], zone: string, first: number): (string | null)[] {
  const close = splits.length > 1 ? (splits[1] ?? 0) - (splits[0] ?? 0) < 60 : (splits[0] ?? 0) % 60 !== 0;
  let day = "";
  return splits.map((split) => {
    // What lies before the picture would take the date along, out of sight.
    if (split < first) return null;
    const { date, time, fraction } = partsOf(split, zone);
    const short = close ? time + (fraction === "000000" ? "" : `.${fraction.slice(0, 3)}`) : time.slice(0, 5);
    const label = date === day ? short : `${short}\n${date}`;
    day = date;
    return label;
  });
}

/** From the first bin to the end of the last, also where nothing was measured in any. */
export function extentOf({ times, step }: Layers): [number, number] {
  const first = times[0] ?? 0;
  const last = (times.at(-1) ?? 0) + (step ?? 0);
  return last > first ? [first, last] : [first - 0.5, first + 0.5];
}
