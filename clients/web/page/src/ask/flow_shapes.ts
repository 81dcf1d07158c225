import type { Alert, Answer, OneSeries, Series, Totals, Value } from "./shapes";

/** What the server answers about one flow, one host, and who talks with whom. */

export interface Named {
  name: string;
  source: string | null;
  first?: number | null;
  last?: number | null;
}

export interface End {
  address: string;
  port: number | null;
  names: Named[];
  [detail: string]: unknown;
}

export interface StatusRecord {
  sequence: number;
  cause: string;
  probe: string | null;
  interface: string | null;
  start: number;
  last: number;
  dur: number;
  spkts: number;
  dpkts: number;
  sbytes: number;
  dbytes: number;
  slost: number;
  dlost: number;
  swin: number | null;
  dwin: number | null;
  rtt: number | null;
  state: string;
  verdict: string | null;
}

export interface Observer {
  order: number;
  probe: string;
  site: string | null;
  interface: string | null;
  spkts: number;
  dpkts: number;
  sbytes: number;
  dbytes: number;
  lost: number | null;
  sttl: number | null;
  dttl: number | null;
  smac: string | null;
  dmac: string | null;
  svlan: number | null;
  dvlan: number | null;
  smpls: number | null;
  dmpls: number | null;
  clock: number | null;
  later: number;
  verdict: string | null;
}

export interface Transaction {
  time: number;
  client: string;
  server: string;
  name: string;
  type: string;
  code: string | null;
  answers: string[];
  rtt: number | null;
  before?: number | null;
}

export interface PayloadSide {
  hex: string;
  text: string;
  bytes: number;
  of: number;
  protocol: string | null;
  says: string | null;
  facts: { name: string; value: string; doc: string }[];
}

export interface Explained {
  id: string;
  summary: string;
  filter: string | null;
  command: string;
  first: number;
  last: number;
  record: { fields: { name: string; title: string; text: string; value: Value; doc: string }[] };
  ends: { src: End; dst: End };
  records: StatusRecord[];
  timeline: { start: number; step: number; sbytes: number[]; dbytes: number[] } | null;
  observers: Observer[];
  differences: string[];
  duplicates: { packets: number; bytes: number; share: number | null; why: string[] } | null;
  dns: Transaction[];
  alerts: Alert[];
  payload: { src: PayloadSide | null; dst: PayloadSide | null };
  merged_from: {
    records: number;
    kept: { file: string; rows: number[]; offsets: Record<string, [number, number]> }[];
  };
  related: { text: string; filter: string }[];
}

export interface ServiceRow {
  service: string;
  port: number | null;
  proto: string;
  clients?: number;
  servers?: number;
  flows: number;
  bytes: number;
  first: number;
  last: number;
  filter: string | null;
}

export interface Peer {
  key: string;
  label: string;
  name: string | null;
  flows: number;
  sent: number;
  received: number;
  bytes: number;
  filter: string | null;
}

/** From when to when something was so, by how many flows. */
interface While {
  first: number;
  last: number;
  flows: number;
}

export interface Attached extends While {
  switch: string | null;
  port: string | null;
  station: string | null;
}

export interface UsedBy extends While {
  process: string | null;
  user: string | null;
  container: string | null;
  pod: string | null;
}

export interface InNetwork extends While {
  as: string | null;
  organization: string | null;
  country: string | null;
}

export interface Scan extends While {
  did: boolean;
  text: string;
  key: string;
  name: string | null;
  tried: number;
  filter: string | null;
}

export interface Host extends Answer {
  address: string;
  names: Named[];
  macs: { mac: string; first: number; last: number }[];
  first: number;
  last: number;
  first_ever: number | null;
  country: string | null;
  as: string | number | null;
  locality: string | null;
  attached: Attached[];
  used_by: UsedBy[];
  networks: InNetwork[];
  scans: Scan[];
  totals: Totals;
  series: Series & { series: OneSeries[] };
  services_offered: ServiceRow[];
  services_used: ServiceRow[];
  peers: Peer[];
  users: string[];
  dns: { asked: { name: string; queries: number; failed: number; last: number }[] };
  alerts: Alert[];
}

export interface GraphNode {
  id: string;
  label: string;
  name: string | null;
  country: string | null;
  bytes: number;
  flows: number;
  degree: number;
  local: boolean | null;
  filter: string | null;
}

export interface GraphLink {
  source: string;
  target: string;
  bytes: number;
  flows: number;
  pkts: number;
  lost: number;
  services?: string[];
  filter: string | null;
}

export interface Graph extends Answer {
  nodes: GraphNode[];
  links: GraphLink[];
  left_out: { nodes: number; links: number; bytes: number };
}

export interface CountryRow {
  code: string;
  flows: number;
  pkts: number;
  bytes: number;
  sent: number;
  received: number;
  hosts: number;
  largest: { key: string; name: string | null; flows: number; bytes: number }[];
  filter: string | null;
}

export interface Geography extends Answer {
  countries: CountryRow[];
  localities: { key: string; flows: number; bytes: number; filter: string | null }[];
  flows: { source: string; target: string; bytes: number; flows: number; filter: string | null }[];
  unknown: { flows: number; bytes: number };
}

export interface Dns extends Answer {
  totals: { queries: number; failed: number; answered: number; clients: number; names: number };
  series: { start: number; step: number; queries: number[]; failed: number[] };
  names: { name: string; queries: number; failed: number; clients: number; last: number }[];
  clients: { client: string; name: string | null; queries: number; failed: number; names: number }[];
  failures: { name: string; code: string; queries: number; clients: number; last: number }[];
  servers: { server: string; queries: number; failed: number; rtt: number | null }[];
  types: { type: string; queries: number }[];
  new: { domain: string; first: number; queries: number; clients: number }[];
  transactions: Transaction[];
}
