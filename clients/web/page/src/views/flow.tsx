import { useKnown } from "../app/known";
import { useAnswer } from "../app/use_answer";
import type { Explained } from "../ask/flow_shapes";
import { Card } from "../parts/card";
import { Command } from "../parts/copied";
import { Framed } from "../parts/states";
import { factText } from "../show/cells";
import { span } from "../show/times";
import { AlertsOf, DnsBefore, Ends, MergedFrom, Related } from "./flow_context";
import { Bytes, Records } from "./flow_measures";
import { Copies, Observers } from "./flow_observed";
import { Payload } from "./flow_payload";
import { OverTime } from "./flow_quality";

/** One flow, explained: what was measured when and by whom, who its ends were, and what led to it. */
export function Flow({ id }: { id: string }) {
  const { fields, place, zone } = useKnown();
  const at = place.search.get("at");
  const path = `/api/flow/${encodeURIComponent(id)}${at ? `?at=${encodeURIComponent(at)}` : ""}`;
  const flow = useAnswer<Explained>(path);
  return (
    <Framed of={flow} what="Looking for the flow…">
      {(answer) => (
        <>
          <header class="subject">
            <p class="small">
              Flow <code>{answer.id}</code>, {span(answer.first, answer.last, zone, 3)} {zone}
            </p>
            <h1>{answer.summary}</h1>
            <Command text={answer.command} />
          </header>
          <div class="cards broad">
            <Ends ends={answer.ends} />
            <Bytes flow={answer} />
            <OverTime flow={answer} />
            <Records flow={answer} />
            <Observers flow={answer} />
            <Copies flow={answer} />
            <DnsBefore flow={answer} />
            <AlertsOf alerts={answer.alerts} />
            <Payload flow={answer} />
            <MergedFrom flow={answer} />
            <Related flow={answer} />
            <Card title="All fields" wide>
              <dl class="fields">
                {answer.record.fields.map((field) => (
                  <div key={field.name} title={field.doc}>
                    <dt>{field.name}</dt>
                    <dd>{factText(field, fields.get(field.name)?.kind, zone)}</dd>
                  </div>
                ))}
              </dl>
            </Card>
          </div>
        </>
      )}
    </Framed>
  );
}
