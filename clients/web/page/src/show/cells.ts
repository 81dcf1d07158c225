import type { Column, Value } from "../ask/shapes";
import { bytes, duration, scaled, whole } from "./numbers";
import { instant } from "./times";

const LEFT = new Set(["text", "address", "time"]);

/** Numbers stand at the right, so that their digits are below each other. */
export function isRight(column: Column): boolean {
  return !LEFT.has(column.kind) && column.name !== "dir";
}

/** A cell as people read it; what has no own form stands as ra prints it. */
export function cell(column: Column, value: Value, text: string, zone: string): string {
  if (value === null || value === "") return "";
  if (column.kind === "time" && typeof value === "number") return instant(value, zone, 3);
  if (typeof value !== "number") return text || String(value);
  if (column.kind === "port") return text || String(value);
  if (column.kind === "seconds" || column.unit === "s") return duration(value);
  if (column.kind === "bytes" || column.unit === "bytes") return bytes(value);
  if (column.unit === "bps") return scaled(value, "bit/s");
  if (column.unit === "packets") return whole(value);
  return text || String(value);
}

const WIDTHS: Record<string, number> = {
  time: 188,
  address: 168,
  port: 92,
  seconds: 96,
  bytes: 84,
  number: 84,
  text: 104,
};

/** A field of one flow as ra prints it, times with their day in the zone of the page. */
export function factText(field: { text: string; value: Value }, kind: string | undefined, zone: string): string {
  return kind === "time" && typeof field.value === "number" ? instant(field.value, zone, 6) : field.text;
}

/** Pixels that a column takes. */
export function width(column: Column): number {
  const own: Record<string, number> = {
    dir: 52,
    proto: 88,
    state: 64,
    flgs: 84,
    suser: 220,
    duser: 220,
    sname: 200,
    dname: 200,
    label: 240,
  };
  return own[column.name] ?? WIDTHS[column.kind] ?? 100;
}
