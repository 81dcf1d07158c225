import { expect, test } from "vitest";
import { shortened, uncrowded, within } from "../src/graph/labels";

const at = (text: string, x: number, y: number) => ({ text, x, y });

test("labels that would cover one before them are left out", () => {
  const labels = [at("10.20.5.30", 0, 0), at("10.20.5.31", 20, 5), at("10.20.5.32", 0, 20), at("far", 300, 5)];
  expect([...uncrowded(labels, 10)]).toEqual([0, 2, 3]);
});

test("no more are shown than asked for", () => {
  expect(uncrowded([at("a", 0, 0), at("b", 100, 0), at("c", 200, 0)], 2).size).toBe(2);
});

test("fewer fit where the same graph is drawn smaller", () => {
  const labels = [at("10.20.5.30", 0, 0), at("10.20.5.31", 80, 0), at("10.20.5.32", 160, 0)];
  expect([...uncrowded(labels, 10, 1)]).toEqual([0, 1, 2]);
  expect([...uncrowded(labels, 10, 2)]).toEqual([0, 2]);
});

test("a name of many letters keeps its beginning and whose it is", () => {
  const name = `${"a".repeat(63)}.${"b".repeat(63)}.example.net`;
  expect(shortened(name)).toHaveLength(30);
  expect(shortened(name)).toMatch(/^a+…b+\.example\.net$/);
  expect(shortened("www.example.com")).toBe("www.example.com");
});

test("labels stay inside of what is seen, those of nodes outside where they are", () => {
  const view = { x: 0, width: 400 };
  expect(within(10, "10.20.5.30", view, 1)).toBe(30);
  expect(within(395, "10.20.5.30", view, 1)).toBe(370);
  expect(within(-50, "10.20.5.30", view, 1)).toBe(-50);
});
