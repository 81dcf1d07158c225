/** The question that the URL asks: filter, time range, zone. Every view has one, and links carry it along. */

export interface Question {
  filter: string;
  /** Argus's time range text, or "" when from and to say it, or for all there is. */
  range: string;
  from: number | null;
  to: number | null;
  zone: string;
}

export const EVERYTHING: Question = { filter: "", range: "", from: null, to: null, zone: "" };

function seconds(text: string | null): number | null {
  if (text === null || text.trim() === "") return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/** Read a question from the parameters of a URL; what is malformed counts as not said. */
export function questionOf(search: URLSearchParams): Question {
  const range = search.get("t") ?? "";
  const absolute = range === "";
  return {
    filter: search.get("q") ?? "",
    range,
    from: absolute ? seconds(search.get("from")) : null,
    to: absolute ? seconds(search.get("to")) : null,
    zone: search.get("tz") ?? "",
  };
}

function exact(time: number): string {
  return String(Math.round(time * 1e6) / 1e6);
}

/** The parameters that say this question, in one order. */
export function parametersOf(question: Question): URLSearchParams {
  const search = new URLSearchParams();
  if (question.filter) search.set("q", question.filter);
  if (question.range) search.set("t", question.range);
  else {
    if (question.from !== null) search.set("from", exact(question.from));
    if (question.to !== null) search.set("to", exact(question.to));
  }
  if (question.zone) search.set("tz", question.zone);
  return search;
}

/** `and` binds no tighter than `or` and both read from the left, so only what is appended needs parentheses. */
export function both(filter: string, more: string): string {
  const first = filter.trim();
  const second = more.trim();
  if (!first || !second) return first || second;
  return `${first} and ${/\s(and|or)\s/i.test(second) ? `(${second})` : second}`;
}

/** A filter for what a probe saw; no quoted text may hold a quote, but a pattern can write one. */
export function ofProbe(name: string): string {
  if (!name.includes('"')) return `srcid "${name}"`;
  return `sid ~ "^${name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&").replaceAll('"', "[\\x22]")}$"`;
}

export function narrowed(question: Question, filter: string | null): Question {
  return filter ? { ...question, filter: both(question.filter, filter) } : question;
}

export function within(question: Question, from: number, to: number): Question {
  return { ...question, range: "", from, to };
}

/** A relative range counts back from now, or from the newest record when nothing new is to come. */
export function isRelative(range: string): boolean {
  return /^x?[incs]?-\d/i.test(range.trim());
}

/** What the server is asked: the question, where relative ranges end, and the parameters of one view. */
export function asked(
  path: string,
  question: Question,
  live: boolean,
  more: Record<string, string | number> = {},
): string {
  const search = parametersOf(question);
  if (!live && isRelative(question.range)) search.set("anchor", "end");
  for (const [name, value] of Object.entries(more)) if (value !== "") search.set(name, String(value));
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

/** Half as much, twice as much, or the same shifted by a share of its length. */
export function moved(
  range: { from: number; to: number },
  by: "in" | "out" | "back" | "on",
): { from: number; to: number } {
  // A lone packet lasts no time, and half of none would lead nowhere.
  const length = range.to - range.from < 0.001 ? 1 : range.to - range.from;
  const shifts = { in: [0.25, -0.25], out: [-0.5, 0.5], back: [-0.5, -0.5], on: [0.5, 0.5] } as const;
  const [left, right] = shifts[by];
  return { from: range.from + left * length, to: range.to + right * length };
}
