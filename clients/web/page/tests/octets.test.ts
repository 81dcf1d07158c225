import { expect, test } from "vitest";
import { octets } from "../src/show/octets";

test("bytes are shown sixteen a line, what is no ASCII as dots", () => {
  const hex = [...Array(17).keys()].map((octet) => (octet + 0x6f).toString(16)).join("");
  expect(octets(hex)).toBe(
    "0000  6f 70 71 72 73 74 75 76 77 78 79 7a 7b 7c 7d 7e  opqrstuvwxyz{|}~\n0010  7f                                               .",
  );
  expect(octets("")).toBe("");
});
