/** What the server answers. Times are seconds since 1970 UTC, durations seconds, shares 0 to 1. */

export interface Range {
  from: number;
  to: number;
}

export interface Answer {
  range: Range | null;
  took_ms: number;
  prepared: number;
  records: number;
}

export interface Mistake {
  kind: string;
  message: string;
  parameter?: string | null;
  column?: number | null;
  length?: number | null;
  suggestion?: string | null;
  line?: number | null;
}

export interface Field {
  name: string;
  title: string;
  doc: string;
  kind: string;
  unit: string | null;
  groupable: boolean;
  sortable: boolean;
}

export interface Metric {
  name: string;
  title: string;
  unit: string;
}

export interface Meta {
  version: string;
  title: string;
  sources: { kind: string; name: string; files: number; records: number }[];
  span: Range | null;
  records: number;
  live: boolean;
  now: number;
  preparing: { files: number; done: number; fraction: number };
  generation: number;
  has: Record<string, boolean>;
  fields: Field[];
  metrics: Metric[];
  by: string[];
  keys: string[];
  limits: { seconds: number; rows: number; page: number; export: number; filter: number };
  examples: { filter: string; text: string }[];
}

export interface Session {
  signed_in: boolean;
  needs: string | null;
  user: string | null;
}

export interface Totals {
  flows: number;
  pkts: number;
  bytes: number;
  sbytes: number;
  dbytes: number;
  lost: number;
  loss: number | null;
  rtt: number | null;
  hosts: number;
  bps: number | null;
  first: number | null;
  last: number | null;
}

export interface OneSeries {
  key: string | null;
  label: string;
  filter: string | null;
  total: number;
  values: (number | null)[];
  up?: (number | null)[];
  down?: (number | null)[];
}

export interface Series {
  step: number;
  start: number;
  bins: number;
  metric: string;
  by: string;
  unit: string;
  series: OneSeries[];
  rest: OneSeries | null;
  before: { values: (number | null)[]; total: number; from: number; to: number } | null;
}

export interface TopRow {
  key: string;
  label: string;
  name: string | null;
  country: string | null;
  filter: string | null;
  flows: number;
  pkts: number;
  bytes: number;
  lost: number;
  share: number | null;
  before: number | null;
}

export interface Pair {
  key: string;
  saddr: string;
  daddr: string;
  filter: string | null;
  lost: number;
  loss: number | null;
  rtt: number | null;
  pkts: number;
}

export interface Quality {
  step: number;
  start: number;
  loss: (number | null)[];
  rtt: { p50: (number | null)[]; p95: (number | null)[] };
  worst: Pair[];
  states: { key: string; flows: number; filter: string | null }[];
}

export interface Overview extends Answer {
  totals: Totals;
  before: Totals | null;
  series: Series;
  tops: Record<string, TopRow[]>;
  quality: Quality;
}

export interface NewThing {
  key: string;
  label?: string;
  filter?: string | null;
  first: number;
  flows?: number;
  bytes?: number;
  queries?: number;
  name?: string | null;
}

export interface News extends Answer {
  /** From when on things count as new. */
  since: number;
  /** How many of each kind there are; the first of them follow. */
  counts: Record<string, number>;
  baseline: { from: number; to: number; records: number };
  hosts: NewThing[];
  services: NewThing[];
  countries: NewThing[];
  names: NewThing[];
  domains: NewThing[];
}

export interface Spans {
  probes: {
    probe: string;
    site: string | null;
    interfaces: string[];
    first: number | null;
    last: number | null;
    packets: number;
    bytes: number;
    dropped: number;
    loss: number | null;
    state: string;
  }[];
  findings: {
    kind: string;
    diagnosis: string;
    site: string | null;
    probe: string | null;
    interface: string | null;
    copies: number | null;
    packets: number | null;
    share: number | null;
    state: string | null;
  }[];
}

export interface Column {
  name: string;
  title: string;
  kind: string;
  unit: string | null;
}

export type Value = string | number | boolean | null;

export interface Row {
  id: string | null;
  at?: string | null;
  values: Value[];
  text: string[];
  filter?: string | null;
}

export interface Flows extends Answer {
  columns: Column[];
  rows: Row[];
  total: number;
  offset: number;
  command: string;
}

export interface Completion {
  from: number;
  to: number;
  items: { insert: string; label: string; kind: string; doc: string }[];
}

export interface Check {
  ok: boolean;
  error?: Mistake;
}

export interface Alert {
  id: string;
  state: string;
  severity: string;
  rule: string;
  summary: string;
  time: number;
  first: number;
  last: number;
  count: number;
  subject: Record<string, string>;
  flow_ids: string[];
  filter: string | null;
  t: string | null;
  acknowledged: { by: string | null; at: number; note: string } | null;
  silenced: boolean;
}
