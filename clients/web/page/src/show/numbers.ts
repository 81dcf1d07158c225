/** Numbers as people read them: SI prefixes, three significant digits, a space before the unit. */

const NONE = "–";
const PREFIXES = ["", "k", "M", "G", "T", "P", "E"];
const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export function whole(value: number | null | undefined): string {
  return value === null || value === undefined || Number.isNaN(value) ? NONE : WHOLE.format(value);
}

function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return value.toFixed(0);
  return value.toFixed(size >= 9.995 ? 1 : 2);
}

export function scaled(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE;
  let rest = value;
  let power = 0;
  while (Math.abs(rest) >= 999.5 && power < PREFIXES.length - 1) {
    rest /= 1000;
    power += 1;
  }
  // Less than two digits can show is not nothing.
  if (rest !== 0 && Math.abs(rest) < 0.005) return unit === "" ? "< 0.01" : `< 0.01 ${unit}`;
  if (power === 0 && Number.isInteger(value)) return unit === "" ? String(value) : `${value} ${unit}`;
  const prefix = PREFIXES[power] ?? "";
  return unit === "" && prefix === "" ? digits(rest) : `${digits(rest)} ${prefix}${unit}`;
}

export function bytes(value: number | null | undefined): string {
  return scaled(value, "B");
}

export function share(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE;
  const percent = value * 100;
  if (percent === 0) return "0 %";
  if (Math.abs(percent) < 0.01) return "< 0.01 %";
  return `${percent.toFixed(Math.abs(percent) < 1 ? 2 : 1)} %`;
}

/** Seconds, from nanoseconds to days. */
export function duration(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE;
  const size = Math.abs(value);
  if (size === 0) return "0 s";
  if (size < 1e-6) return `${digits(value * 1e9)} ns`;
  if (size < 1e-3) return `${digits(value * 1e6)} µs`;
  if (size < 1) return `${digits(value * 1e3)} ms`;
  if (size < 60) return `${digits(value)} s`;
  const total = Math.round(value);
  const parts = [Math.floor(total / 86400), Math.floor(total / 3600) % 24, Math.floor(total / 60) % 60, total % 60];
  const named = parts.map((part, place) => [part, "dhms"[place]] as const);
  const first = named.findIndex(([part]) => part > 0);
  return named
    .slice(first, first + 2)
    .filter(([part]) => part > 0)
    .map(([part, letter]) => `${part} ${letter === "m" ? "min" : letter}`)
    .join(" ");
}

/** How many of something: "1 record", "2,100 records". */
export function counted(count: number, thing: string): string {
  return `${whole(count)} ${thing}${count === 1 ? "" : "s"}`;
}

/** By how much a figure differs from the one before: "+12 %", "new", "×8". */
export function change(now: number | null, before: number | null): string {
  if (now === null || before === null) return "";
  if (before === 0) return now === 0 ? "±0 %" : "new";
  const ratio = now / before;
  if (ratio >= 4) return `×${digits(ratio)}`;
  const percent = (ratio - 1) * 100;
  if (Math.abs(percent) < 0.5) return "±0 %";
  return `${percent > 0 ? "+" : "−"}${Math.abs(percent).toFixed(0)} %`;
}

/** A figure in the unit that the server names. */
export function measure(value: number | null | undefined, unit: string | null): string {
  switch (unit) {
    case "bytes":
      return bytes(value);
    case "bps":
      return scaled(value, "bit/s");
    case "pps":
      return scaled(value, "pkt/s");
    case "s":
      return duration(value);
    case "ratio":
      return share(value);
    case "%":
      return value === null || value === undefined ? NONE : share(value / 100);
    default:
      return value !== null && value !== undefined && !Number.isInteger(value) ? scaled(value, "") : whole(value);
  }
}
