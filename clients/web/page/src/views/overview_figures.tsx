import { useKnown, viewLink } from "../app/known";
import { both } from "../ask/question";
import type { Overview, Totals } from "../ask/shapes";
import { bytes, change, duration, scaled, share, whole } from "../show/numbers";

interface Figure {
  title: string;
  text: string;
  of: (totals: Totals) => number | null;
  /** What of the flows shows it: how they are sorted, grouped and narrowed. */
  sort: string;
  filter?: string;
  group?: string;
  fields?: string;
}

function figures(totals: Totals): Figure[] {
  return [
    { title: "Traffic", text: scaled(totals.bps, "bit/s"), of: (one) => one.bps, sort: "-load" },
    { title: "Bytes", text: bytes(totals.bytes), of: (one) => one.bytes, sort: "-bytes" },
    { title: "Packets", text: whole(totals.pkts), of: (one) => one.pkts, sort: "-pkts" },
    { title: "Flows", text: whole(totals.flows), of: (one) => one.flows, sort: "-stime" },
    { title: "Hosts", text: whole(totals.hosts), of: (one) => one.hosts, sort: "-bytes", group: "addr" },
    {
      title: "Lost or sent again",
      text: share(totals.loss),
      of: (one) => one.loss,
      sort: "-loss",
      filter: "loss gt 0",
    },
    { title: "Round trip", text: duration(totals.rtt), of: (one) => one.rtt, sort: "-tcprtt", filter: "tcprtt gt 0" },
  ];
}

/** The totals of the time; each is a link to the flows behind it. */
export function Figures({ answer }: { answer: Overview }) {
  const { question } = useKnown();
  return (
    <ul class="figures" aria-label="Totals">
      {figures(answer.totals).map(({ title, text, of, sort, filter = "", group = "" }) => (
        <li key={title}>
          <a href={viewLink("/flows", { ...question, filter: both(question.filter, filter) }, { sort, group })}>
            <span class="title">{title}</span>
            <span class="value">{text}</span>
            {answer.before && <span class="change">{change(of(answer.totals), of(answer.before))}</span>}
          </a>
        </li>
      ))}
    </ul>
  );
}
