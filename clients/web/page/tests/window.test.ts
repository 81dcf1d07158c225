import { describe, expect, it } from "vitest";
import { clamped, height, lastTop, MOST, pages, ROW, scrolledTo, topAt } from "../src/table/window";

const VIEW = 520;
const small = { total: 500, fitting: 19 };
const large = { total: 10_000_000, fitting: 19 };

describe("rows in view", () => {
  it("reach from the first to the last in tables of any size", () => {
    for (const extent of [small, large]) {
      expect(topAt(0, extent, VIEW)).toBe(0);
      expect(topAt(height(extent, VIEW) - VIEW, extent, VIEW)).toBeCloseTo(lastTop(extent));
    }
  });

  it("stay what they are when the scroll bar follows them", () => {
    for (const top of [0, 1, 17.5, 480]) expect(topAt(scrolledTo(top, small, VIEW), small, VIEW)).toBeCloseTo(top);
    for (const top of [0, 3, 7_654_321, 9_999_981])
      expect(topAt(scrolledTo(top, large, VIEW), large, VIEW)).toBeCloseTo(top);
  });

  it("are never more pixels than a browser has", () => {
    expect(height(large, VIEW)).toBe(MOST);
    expect(height(small, VIEW)).toBe(481 * ROW + VIEW);
    expect(height({ total: 3, fitting: 19 }, VIEW)).toBe(VIEW);
  });

  it("lie on the pages that are asked for", () => {
    expect(pages(0, small, 100)).toEqual([0]);
    expect(pages(90, small, 100)).toEqual([0, 1]);
    expect(pages(481, small, 100)).toEqual([4]);
    expect(pages(0, { total: 0, fitting: 19 }, 100)).toEqual([]);
    expect(clamped(600, small)).toBe(481);
  });
});
