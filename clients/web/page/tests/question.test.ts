import { describe, expect, it } from "vitest";
import { asked, both, EVERYTHING, isRelative, moved, ofProbe, parametersOf, questionOf } from "../src/ask/question";

describe("a question in the URL", () => {
  it("comes back as it was", () => {
    const question = { filter: "tcp and port 443", range: "", from: 1.5, to: 2.25, zone: "Europe/Berlin" };
    expect(questionOf(parametersOf(question))).toEqual(question);
  });

  it("ignores instants that are no numbers, and those beside a range", () => {
    expect(questionOf(new URLSearchParams("from=yesterday"))).toEqual(EVERYTHING);
    expect(questionOf(new URLSearchParams("t=-1h&from=5"))).toEqual({ ...EVERYTHING, range: "-1h" });
  });

  it("is asked of the end of what there is, unless more is to come", () => {
    const question = { ...EVERYTHING, range: "-1h" };
    expect(asked("/api/top", question, false, { by: "addr" })).toBe("/api/top?t=-1h&anchor=end&by=addr");
    expect(asked("/api/top", question, true)).toBe("/api/top?t=-1h");
    expect(asked("/api/top", EVERYTHING, false)).toBe("/api/top");
  });

  it("knows Argus's ranges before now", () => {
    expect(["-5m", "x-1h", "-2h5m+5m", "n-1d", "xs-1d"].every(isRelative)).toBe(true);
    expect(["09:00-09:30", "2026/03", ""].some(isRelative)).toBe(false);
  });
});

describe("joining filters", () => {
  it("needs parentheses around what is appended only", () => {
    expect(both("udp or tcp", "host 10.0.0.1")).toBe("udp or tcp and host 10.0.0.1");
    expect(both("udp", "src host 1.1.1.1 or dst host 1.1.1.1")).toBe("udp and (src host 1.1.1.1 or dst host 1.1.1.1)");
    expect(both("", " udp ")).toBe("udp");
    expect(both("udp", "")).toBe("udp");
  });

  it("says the name of any probe", () => {
    expect(ofProbe("tap.1")).toBe('srcid "tap.1"');
    expect(ofProbe('tap.1 "b"')).toBe('sid ~ "^tap\\.1 [\\x22]b[\\x22]$"');
  });
});

describe("moving through time", () => {
  it("halves, doubles and shifts by half", () => {
    expect(moved({ from: 100, to: 200 }, "in")).toEqual({ from: 125, to: 175 });
    expect(moved({ from: 100, to: 200 }, "out")).toEqual({ from: 50, to: 250 });
    expect(moved({ from: 100, to: 200 }, "back")).toEqual({ from: 50, to: 150 });
  });

  it("widens the instant of a lone packet, too", () => {
    const wider = moved({ from: 100, to: 100 }, "out");
    expect(wider).toEqual({ from: 99.5, to: 100.5 });
  });
});
