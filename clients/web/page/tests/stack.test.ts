import { describe, expect, it } from "vitest";
import type { Series } from "../src/ask/shapes";
import { layers } from "../src/chart/stack";

function series(changes: Partial<Series> = {}): Series {
  const one = (key: string, values: number[]) => ({
    key,
    label: key,
    filter: null,
    total: 1,
    values,
    up: values,
    down: values.map((value) => value * 2),
  });
  const all = [one("tcp", [1, 2]), one("udp", [3, 4])];
  return {
    step: 8,
    start: 100,
    bins: 2,
    metric: "bytes",
    by: "proto",
    unit: "bytes",
    series: all,
    rest: null,
    before: null,
    ...changes,
  };
}

describe("layers of a chart", () => {
  it("are stacked sums, the highest drawn first, as bit/s", () => {
    const { times, step, drawn } = layers(series(), "stacked");
    expect([times, step]).toEqual([[100, 108], 8]);
    expect(drawn.map((layer) => [layer.label, layer.values])).toEqual([
      ["udp", [4, 6]],
      ["tcp", [1, 2]],
    ]);
  });

  it("are each its own as lines, and where sums mean nothing", () => {
    expect(layers(series(), "lines").drawn.map((layer) => layer.values)).toEqual([
      [3, 4],
      [1, 2],
    ]);
    expect(layers(series({ metric: "rtt" }), "stacked").drawn.every((layer) => !layer.area)).toBe(true);
  });

  it("go up for what was sent and down for what was received", () => {
    expect(layers(series(), "updown").drawn.map((layer) => layer.values)).toEqual([
      [4, 6],
      [1, 2],
      [-8, -12],
      [-2, -4],
    ]);
  });

  it("show the rest and the period before", () => {
    const rest = { key: null, label: "other", filter: null, total: 5, values: [1, 1] };
    const before = { values: [9, null], total: 9, from: 84, to: 100 };
    const { drawn } = layers(series({ rest, before }), "lines");
    expect(drawn.map((layer) => layer.colour)).toEqual([-1, 1, 0, -2]);
    expect(drawn[3]?.values).toEqual([9, null]);
  });
});
