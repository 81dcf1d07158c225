import { describe, expect, it } from "vitest";
import { bytes, change, duration, measure, scaled, share, whole } from "../src/show/numbers";
import { ago, instant, instantOf, offset, span } from "../src/show/times";

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
