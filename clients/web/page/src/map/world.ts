import { geoNaturalEarth1, geoPath } from "d3-geo";
import type { Feature, Geometry } from "geojson";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import atlas from "world-atlas/countries-110m.json";
import { DOTS, LETTERS } from "./codes";

export const WIDTH = 960;
export const HEIGHT = 470;

export interface Shape {
  code: string | null;
  path: string;
  /** Where an arc to this country ends. */
  middle: [number, number];
}

const projection = geoNaturalEarth1().fitSize([WIDTH, HEIGHT + 30], { type: "Sphere" });

function shapesOf(): Shape[] {
  const world = atlas as unknown as Topology<{ countries: GeometryCollection }>;
  const path = geoPath(projection);
  const all = feature(world, world.objects.countries).features as Feature<Geometry>[];
  return all.flatMap((one) => {
    const code = LETTERS.get(String(one.id)) ?? null;
    // Ice without hosts would take a sixth of the picture.
    return code === "AQ" ? [] : [{ code, path: path(one) ?? "", middle: path.centroid(largest(one)) }];
  });
}

/** Of a country with far islands its largest part, so that an arc to France does not end in the Atlantic. */
function largest(one: Feature<Geometry>): Feature<Geometry> {
  if (one.geometry.type !== "MultiPolygon") return one;
  const path = geoPath(projection);
  const parts = one.geometry.coordinates.map((coordinates) => ({ type: "Polygon" as const, coordinates }));
  const sorted = parts.sort((left, right) => path.area(right) - path.area(left));
  return { ...one, geometry: sorted[0] ?? one.geometry };
}

export const SHAPES: readonly Shape[] = shapesOf();

export const MIDDLES: ReadonlyMap<string, [number, number]> = new Map([
  ...SHAPES.flatMap((shape): [string, [number, number]][] => (shape.code ? [[shape.code, shape.middle]] : [])),
  ...Object.entries(DOTS).map(([code, place]): [string, [number, number]] => [code, projection([...place]) ?? [0, 0]]),
]);

/** An arc from one country to another, bent so that both directions can be seen. */
export function arc(from: [number, number], to: [number, number]): string {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const bend = 0.18;
  const over = [(from[0] + to[0]) / 2 + dy * bend, (from[1] + to[1]) / 2 - Math.abs(dx) * bend];
  return `M${from[0].toFixed(1)},${from[1].toFixed(1)} Q${over[0]?.toFixed(1)},${over[1]?.toFixed(1)} ${to[0].toFixed(1)},${to[1].toFixed(1)}`;
}

/** Five steps of equal ratios from the least to the most: countries differ by factors. */
export function step(value: number, least: number, most: number): number {
  if (value <= 0) return 0;
  if (least >= most) return 5;
  return Math.max(1, Math.min(5, Math.ceil((5 * Math.log(value / least)) / Math.log(most / least))));
}
