import { expect, test } from "vitest";
import { extentOf, timeLabels } from "../src/chart/scale";

const NINE = 1_773_133_200;

test("the day stands below the first time that is seen", () => {
  expect(timeLabels([NINE - 0.1, NINE, NINE + 0.1], "UTC", NINE)).toEqual([
    null,
    "09:00:00\n2026-03-10",
    "09:00:00.100",
  ]);
  expect(timeLabels([NINE], "UTC", NINE)).toEqual(["09:00\n2026-03-10"]);
  expect(timeLabels([NINE + 0.25], "UTC", NINE)).toEqual(["09:00:00.250\n2026-03-10"]);
});

test("a picture is as wide as its bins, also with nothing in the only one", () => {
  expect(extentOf({ times: [NINE], step: 60, drawn: [] })).toEqual([NINE, NINE + 60]);
  expect(extentOf({ times: [NINE, NINE + 60], drawn: [] })).toEqual([NINE, NINE + 60]);
  expect(extentOf({ times: [NINE], drawn: [] })).toEqual([NINE - 0.5, NINE + 0.5]);
});
