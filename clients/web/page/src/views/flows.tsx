import { useCallback, useMemo } from "preact/hooks";
import { useKnown, viewLink } from "../app/known";
import { changed, go } from "../app/place";
import { useAnswer } from "../app/use_answer";
import { asked, narrowed } from "../ask/question";
import type { Flows as Answered, Column, Row } from "../ask/shapes";
import { Command } from "../parts/copied";
import { QuestionBar } from "../parts/question_bar";
import { Empty, Framed } from "../parts/states";
import { counted, whole } from "../show/numbers";
import { LongTable } from "../table/long_table";
import { PAGE } from "../table/pages";
import { FlowTools } from "./flow_tools";

export const USUAL = ["stime", "dur", "proto", "saddr", "sport", "dir", "daddr", "dport", "pkts", "bytes", "state"];
const GROUPED = ["trans", "pkts", "bytes", "sbytes", "dbytes"];

/** Orders other than that of time are answered up to this row. */
const DEEPEST = 100_000;

function listed(search: URLSearchParams, name: string): string[] {
  return (search.get(name) ?? "").split(",").filter(Boolean);
}

/** Flows or groups of them: any fields, any order, as many rows as there are. */
export function Flows() {
  const { meta, place, question, zone } = useKnown();
  const group = listed(place.search, "group");
  const chosen = listed(place.search, "fields");
  const fields = chosen.length > 0 ? chosen : group.length > 0 ? GROUPED : USUAL;
  const sort = place.search.get("sort") || (group.length > 0 ? "-bytes" : "-stime");
  const parameters = { fields: fields.join(), group: group.join(), sort };
  const path = asked("/api/flows", question, meta.live, { ...parameters, limit: PAGE });
  const flows = useAnswer<Answered>(path);
  const pathAt = useCallback((offset: number) => `${path}&offset=${offset}`, [path]);
  const set = useCallback((values: Record<string, string | null>) => go(changed(place, values), "replace"), [place]);
  const linkOf = useCallback(
    (row: Row) => {
      if (row.filter) return viewLink("/flows", narrowed(question, row.filter));
      return row.id ? viewLink(`/flow/${row.id}`, question, row.at ? { at: row.at } : {}) : null;
    },
    [question],
  );
  const open = useCallback(
    (row: Row) => {
      const link = linkOf(row);
      if (link) go(link);
    },
    [linkOf],
  );
  const onSort = (name: string) => set({ sort: sort === `-${name}` ? name : `-${name}` });
  const known = useMemo(() => new Map(meta.fields.map((field) => [field.name, field])), [meta.fields]);
  const sortable = (column: Column) => known.get(column.name)?.sortable !== false;
  const { answer, mistake } = flows;
  const inOrder = answer && (sort === "-stime" || sort === "stime") && group.length === 0;
  const reachable = answer ? (inOrder ? answer.total : Math.min(answer.total, DEEPEST)) : 0;
  return (
    <div class="filling">
      <QuestionBar range={answer?.range ?? null} mistake={mistake} />
      <FlowTools
        fields={fields}
        group={group}
        total={answer?.total ?? null}
        exported={asked("/api/flows/export", question, meta.live, parameters)}
        set={set}
      />
      <h1 class="unseen">Flows</h1>
      <Framed of={flows} what="Looking for flows…">
        {(found) =>
          found.total === 0 ? (
            <Empty>No flow was selected. Widen the filter or the time.</Empty>
          ) : (
            <LongTable
              label={group.length > 0 ? `Flows grouped by ${group.join(", ")}` : "Flows"}
              first={found}
              reachable={reachable}
              zone={zone}
              sort={sort}
              pathAt={pathAt}
              linkOf={linkOf}
              onSort={onSort}
              onOpen={open}
              sortable={sortable}
            />
          )
        }
      </Framed>
      {answer && (
        <footer class="below">
          <span role="status">
            {counted(answer.total, group.length > 0 ? "group" : "flow")}
            {reachable < answer.total && `, the first ${whole(reachable)} of them in this order`}
            {`, ${answer.took_ms.toFixed(0)} ms`}
          </span>
          <Command text={answer.command} />
        </footer>
      )}
    </div>
  );
}
