import { describe, expect, it } from "vitest";
import { mended, pieces } from "../src/ask/marked";

const mistake = { kind: "filter", message: "unknown word", column: 5, length: 3, suggestion: "tcp" };

describe("a mistake in a filter", () => {
  it("is marked where it is", () => {
    expect(pieces("not tpc", mistake)).toEqual([
      { text: "not ", wrong: false },
      { text: "tpc", wrong: true },
    ]);
  });

  it("is marked after the end when something is missing", () => {
    expect(pieces("port", { ...mistake, column: 5, length: 1 })).toEqual([
      { text: "port", wrong: false },
      { text: " ", wrong: true },
    ]);
  });

  it("never loses text", () => {
    for (const column of [-3, 0, 1, 4, 7, 8, 900]) {
      const text = pieces("not tpc", { ...mistake, column, length: 50 })
        .map((piece) => piece.text)
        .join("");
      expect(text.trimEnd()).toBe("not tpc");
    }
  });

  it("is mended with what was probably meant", () => {
    expect(mended("not tpc and udp", mistake)).toBe("not tcp and udp");
    expect(mended("not tpc", { kind: "filter", message: "" })).toBeNull();
  });
});
