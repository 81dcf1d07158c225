/** Instants in a zone: ISO order, 24 hours, fractions only where they tell something. */

const FORMATS = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = FORMATS.get(zone);
  if (known) return known;
  const made = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone || "UTC",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
  FORMATS.set(zone, made);
  return made;
}

export interface Parts {
  date: string;
  time: string;
  fraction: string;
}

/** Date, time and six digits of the second. `time` is seconds since 1970 UTC. */
export function partsOf(time: number, zone: string): Parts {
  const micros = Math.round(time * 1e6);
  const second = Math.floor(micros / 1e6);
  const found: Record<string, string> = {};
  for (const part of formatOf(zone).formatToParts(second * 1000)) found[part.type] = part.value;
  return {
    date: `${found.year}-${found.month}-${found.day}`,
    time: `${found.hour}:${found.minute}:${found.second}`,
    fraction: String(micros - second * 1e6).padStart(6, "0"),
  };
}

export function instant(time: number | null | undefined, zone: string, digits = 0): string {
  if (time === null || time === undefined || !Number.isFinite(time)) return "–";
  const { date, time: clock, fraction } = partsOf(time, zone);
  return digits ? `${date} ${clock}.${fraction.slice(0, digits)}` : `${date} ${clock}`;
}

export function clock(time: number | null | undefined, zone: string, digits = 0): string {
  return instant(time, zone, digits).slice(11) || "–";
}

/** Digits of the second without which both ends of a short time would read alike. */
function digitsOf(from: number, to: number): number {
  return Math.abs(to - from) < 2 ? 3 : 0;
}

/** A range, its end without the date when that is the same day; one instant where both ends read alike. */
export function span(from: number, to: number, zone: string, digits = digitsOf(from, to)): string {
  const start = instant(from, zone, digits);
  const end = instant(to, zone, digits);
  if (start === end) return start;
  return `${start} to ${start.slice(0, 10) === end.slice(0, 10) ? end.slice(11) : end}`;
}

/** Both ends of a range as texts to be changed; what was found and not asked for is rounded outwards, to lose no flow. */
export function edges(from: number, to: number, zone: string, found: boolean): [string, string] {
  const whole = found || (Number.isInteger(from) && Number.isInteger(to));
  const digits = whole && digitsOf(from, to) === 0 ? 0 : 6;
  const unit = 10 ** digits;
  // The end is not part of a range, and may lie a nanosecond behind a packet: less than a number of seconds tells.
  const end = found ? (digits ? Math.round(to * unit) + 1 : Math.ceil(to)) / unit : to;
  return [instant(from, zone, digits), instant(end, zone, digits)];
}

/** How long ago, in the largest fitting unit. */
export function ago(time: number, now: number): string {
  const age = Math.max(0, now - time);
  if (age < 90) return `${Math.round(age)} s ago`;
  if (age < 5400) return `${Math.round(age / 60)} min ago`;
  if (age < 129600) return `${Math.round(age / 3600)} h ago`;
  return `${Math.round(age / 86400)} d ago`;
}

/** Seconds since 1970 of a wall-clock text "YYYY-MM-DD HH:MM[:SS]" in a zone; null when it is none. */
export function instantOf(text: string, zone: string): number | null {
  const match = /^\s*(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?)?\s*$/.exec(text);
  if (!match) return null;
  const [year, month, day, hour, minute] = match.slice(1, 6).map((part) => Number(part ?? 0));
  const asUtc = Date.UTC(year ?? 0, (month ?? 1) - 1, day ?? 1, hour ?? 0, minute ?? 0) / 1000 + Number(match[6] ?? 0);
  if (!Number.isFinite(asUtc)) return null;
  // Twice, since the offset at the first guess may be that of the other side of a change of clocks.
  let guess = asUtc;
  for (let round = 0; round < 2; round += 1) guess = asUtc - offset(guess, zone);
  return guess;
}

/** Seconds by which the wall clock of a zone is ahead of UTC at an instant. */
export function offset(time: number, zone: string): number {
  const second = Math.floor(time);
  const { date, time: wall } = partsOf(second, zone);
  return Date.parse(`${date}T${wall}Z`) / 1000 - second;
}

export function zones(): string[] {
  return ["UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")];
}

export function isZone(zone: string): boolean {
  try {
    formatOf(zone);
    return true;
  } catch {
    return false;
  }
}
