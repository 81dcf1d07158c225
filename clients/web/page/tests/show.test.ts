import { describe, expect, it } from "vitest";
import { bytes, change, counted, duration, measure, scaled, share, whole } from "../src/show/numbers";
import { ago, edges, instant, instantOf, offset, span } from "../src/show/times";

describe("numbers", () => {
  it("have three digits and a prefix", () => {
    expect([0, 999, 1000, 35_924, 999_600, 1_500_000].map(bytes)).toEqual([
      "0 B",
      "999 B",
      "1.00 kB",
      "35.9 kB",
      "1.00 MB",
      "1.50 MB",
    ]);
    expect(scaled(20_040.3, "bit/s")).toBe("20.0 kbit/s");
    expect(whole(10_000_000)).toBe("10,000,000");
  });

  it("are not nothing where they are little, and count one thing as one", () => {
    expect([scaled(0.0036, "bit/s"), scaled(0, "bit/s"), scaled(0.02, "bit/s")]).toEqual([
      "< 0.01 bit/s",
      "0 bit/s",
      "0.02 bit/s",
    ]);
    expect([counted(1, "flow"), counted(0, "flow"), counted(2100, "record")]).toEqual([
      "1 flow",
      "0 flows",
      "2,100 records",
    ]);
  });

  it("say when there is none", () => {
    expect([bytes(null), duration(null), share(null), whole(undefined), measure(null, "%")]).toEqual([
      "–",
      "–",
      "–",
      "–",
      "–",
    ]);
  });

  it("tell durations from nanoseconds to days", () => {
    expect([0, 2e-9, 1.5e-5, 0.0123, 38.191966, 90, 3600, 90061].map(duration)).toEqual([
      "0 s",
      "2.00 ns",
      "15.0 µs",
      "12.3 ms",
      "38.2 s",
      "1 min 30 s",
      "1 h",
      "1 d 1 h",
    ]);
  });

  it("tell shares and changes", () => {
    expect([0, 0.00001, 0.0034, 0.31].map(share)).toEqual(["0 %", "< 0.01 %", "0.34 %", "31.0 %"]);
    expect([change(110, 100), change(90, 100), change(800, 100), change(5, 0), change(100, 100)]).toEqual([
      "+10 %",
      "−10 %",
      "×8.00",
      "new",
      "±0 %",
    ]);
  });
});

describe("times", () => {
  const NINE = 1_773_133_200;

  it("stand in the zone asked for", () => {
    expect(instant(NINE, "UTC")).toBe("2026-03-10 09:00:00");
    expect(instant(NINE + 0.0005, "America/New_York", 4)).toBe("2026-03-10 05:00:00.0005");
    expect(span(NINE, NINE + 60, "UTC")).toBe("2026-03-10 09:00:00 to 09:01:00");
  });

  it("tell the ends of a short time apart, and of a lone packet the instant", () => {
    expect(span(NINE, NINE + 0.882, "UTC")).toBe("2026-03-10 09:00:00.000 to 09:00:00.882");
    expect(span(NINE + 0.5, NINE + 0.500000001, "UTC")).toBe("2026-03-10 09:00:00.500");
  });

  it("lose no flow of what was found when they are asked for as they stand", () => {
    for (const [from, to] of [
      [NINE, NINE + 0.882],
      [NINE + 0.25, NINE + 90.75],
      [NINE, NINE],
    ] as const) {
      const [first, last] = edges(from, to, "Europe/Berlin", true).map((text) => instantOf(text, "Europe/Berlin") ?? 0);
      expect(first).toBeLessThanOrEqual(from);
      expect(last).toBeGreaterThanOrEqual(to);
      expect(last).toBeGreaterThan(first ?? 0);
    }
    expect(edges(NINE, NINE + 60, "UTC", false)).toEqual(["2026-03-10 09:00:00", "2026-03-10 09:01:00"]);
  });

  it("are read back in every zone, also around changes of clocks", () => {
    for (const zone of ["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"]) {
      for (const time of [NINE, 1_774_746_000 - 1, 1_774_746_000, 1_793_000_000]) {
        expect(instantOf(instant(time, zone), zone)).toBe(time);
      }
    }
    expect(instantOf("2026-03-10", "UTC")).toBe(NINE - 9 * 3600);
    expect(instantOf("10.3.2026", "UTC")).toBeNull();
    expect(offset(NINE, "Asia/Kathmandu")).toBe(20_700);
  });

  it("tell ages", () => {
    expect([ago(0, 5), ago(0, 600), ago(0, 7200), ago(0, 864_000)]).toEqual([
      "5 s ago",
      "10 min ago",
      "2 h ago",
      "10 d ago",
    ]);
  });
});
