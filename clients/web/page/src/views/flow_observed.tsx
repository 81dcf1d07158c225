import type { Explained, Observer } from "../ask/flow_shapes";
import { Card } from "../parts/card";
import { type Head, PlainTable } from "../parts/plain_table";
import { bytes, duration, share, whole } from "../show/numbers";

function both(left: number | string | null, right: number | string | null): string {
  return left === right ? `${left ?? "–"}` : `${left ?? "–"} / ${right ?? "–"}`;
}

const HEADS: Head<Observer>[] = [
  { title: "#", right: true, cell: (row) => row.order },
  { title: "Probe", cell: (row) => [row.site, row.probe, row.interface].filter(Boolean).join("/") },
  { title: "Packets s/d", right: true, cell: (row) => `${whole(row.spkts)} / ${whole(row.dpkts)}` },
  { title: "Bytes s/d", right: true, cell: (row) => `${bytes(row.sbytes)} / ${bytes(row.dbytes)}` },
  { title: "Lost", right: true, cell: (row) => whole(row.lost) },
  { title: "TTL s/d", right: true, cell: (row) => `${row.sttl ?? "–"} / ${row.dttl ?? "–"}` },
  { title: "Later by", right: true, cell: (row) => (row.order === 1 ? "" : signed(row.later)) },
  { title: "Clock ahead by", right: true, cell: (row) => (row.clock === null ? "" : signed(row.clock)) },
  { title: "VLAN", right: true, cell: (row) => both(row.svlan, row.dvlan) },
  { title: "MPLS", right: true, cell: (row) => both(row.smpls, row.dmpls) },
  { title: "MAC of the source", cell: (row) => row.smac ?? "" },
  { title: "MAC of the destination", cell: (row) => row.dmac ?? "" },
  { title: "Verdict", cell: (row) => row.verdict ?? "" },
];

function signed(seconds: number): string {
  return seconds < 0 ? `−${duration(-seconds)}` : duration(seconds);
}

/** Who saw the flow, in the order of its way, and what differs between them; columns that say nothing are left out. */
export function Observers({ flow }: { flow: Explained }) {
  const { observers, differences } = flow;
  if (observers.length === 0) return null;
  const telling = HEADS.filter(({ cell }) => observers.some((row) => !["", "–"].includes(String(cell(row)))));
  return (
    <Card title="Observers in the order of the way" wide>
      <PlainTable label="Observers" heads={telling} rows={observers} />
      {differences.length > 0 && (
        <ul class="told">
          {differences.map((difference) => (
            <li key={difference}>{difference}</li>
          ))}
        </ul>
      )}
    </Card>
  );
}

/** Copies of packets that a mirror port made, and why they were ruled so. */
export function Copies({ flow }: { flow: Explained }) {
  const { duplicates } = flow;
  if (!duplicates) return null;
  return (
    <Card title="Copies of its packets">
      <p>
        {whole(duplicates.packets)} {duplicates.packets === 1 ? "copy" : "copies"}, {bytes(duplicates.bytes)}
        {duplicates.share !== null && `, ${share(duplicates.share)} of what was seen`}
      </p>
      <ul class="told">
        {duplicates.why.map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
      </ul>
    </Card>
  );
}
