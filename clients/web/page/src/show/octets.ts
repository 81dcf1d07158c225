const LINE = 16;

/** Bytes in hexadecimal as lines of sixteen: where they are, what they are, what they would be as text. */
export function octets(hex: string): string {
  const lines: string[] = [];
  for (let at = 0; at * 2 < hex.length; at += LINE) {
    const pairs = hex.slice(at * 2, (at + LINE) * 2).match(/../g) ?? [];
    const text = pairs.map((pair) => letter(Number.parseInt(pair, 16))).join("");
    lines.push(`${at.toString(16).padStart(4, "0")}  ${pairs.join(" ").padEnd(LINE * 3 - 1)}  ${text}`);
  }
  return lines.join("\n");
}

function letter(octet: number): string {
  return octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : ".";
}
