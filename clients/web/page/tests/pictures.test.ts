import { describe, expect, it } from "vitest";
import { box, layout, radius } from "../src/graph/layout";
import { isLocal } from "../src/graph/locality";
import { countryName, DOTS, LETTERS } from "../src/map/codes";
import { arc, MIDDLES, SHAPES, step } from "../src/map/world";

function star(leaves: number) {
  const spots = Array.from({ length: leaves + 1 }, (_none, place) => ({
    id: `${place}`,
    size: radius(place === 0 ? 1 : 0.01),
  }));
  const ties = spots.slice(1).map(({ id }) => ({ source: "0", target: id, weight: 0.5 }));
  return { spots, ties };
}

describe("the layout of a graph", () => {
  it("is the same for the same graph", () => {
    const { spots, ties } = star(12);
    expect(layout(spots, ties)).toEqual(layout(spots, ties));
  });

  it("keeps circles apart, also among 500", () => {
    const { spots, ties } = star(499);
    const placed = layout(spots, ties);
    let touching = 0;
    placed.forEach((one, first) => {
      placed.slice(first + 1).forEach((other, offset) => {
        const apart = (spots[first]?.size ?? 0) + (spots[first + 1 + offset]?.size ?? 0);
        if (Math.hypot(one.x - other.x, one.y - other.y) < apart) touching += 1;
      });
    });
    expect(touching).toBeLessThan(5);
  }, 60_000);

  it("tells local nodes by their labels, else by their address", () => {
    const ids = ["10.1.2.3", "172.31.0.1", "172.32.0.1", "8.8.8.8", "fd00::1", "2001:db8::1"];
    expect(ids.map((id) => isLocal({ id, local: null }))).toEqual([true, true, false, false, true, false]);
    expect(isLocal({ id: "10.1.2.3", local: false })).toBe(false);
  });

  it("fits into its box", () => {
    const placed = layout(star(5).spots, star(5).ties);
    const { x, y, width, height } = box(placed);
    for (const one of placed) {
      expect(one.x > x && one.x < x + width && one.y > y && one.y < y + height).toBe(true);
    }
  });
});

describe("the map", () => {
  it("knows two letters of nearly all shapes, and where small countries are", () => {
    expect(LETTERS.size).toBeGreaterThan(210);
    expect(SHAPES.filter((shape) => shape.code === null).length).toBeLessThan(5);
    for (const code of [...Object.keys(DOTS), "DE", "US", "FR"]) {
      const [x, y] = MIDDLES.get(code) ?? [Number.NaN, Number.NaN];
      expect(x > 0 && x < 960 && y > 0 && y < 500).toBe(true);
    }
  });

  it("names countries, and what is none as it is", () => {
    expect([countryName("DE"), countryName("nonsense!")]).toEqual(["Germany", "nonsense!"]);
  });

  it("colours by equal ratios", () => {
    expect([0, 1, 999, 1000, 10_000, 1e6].map((value) => step(value, 1, 1e6))).toEqual([0, 1, 3, 3, 4, 5]);
    expect(arc([0, 0], [10, 0])).toMatch(/^M0\.0,0\.0 Q/);
  });
});
