import { useKnown } from "../app/known";
import { useAnswer } from "../app/use_answer";
import type { Explained } from "../ask/flow_shapes";
import { Card } from "../parts/card";
import { Command } from "../parts/copied";
import { Framed } from "../parts/states";
import { AlertsOf, DnsBefore, Ends, MergedFrom, Related } from "./flow_context";
import { Bytes, Records } from "./flow_measures";
import { Copies, Observers } from "./flow_observed";
import { Payload } from "./flow_payload";
import { OverTime } from "./flow_quality";

/** One flow, explained: what was measured when and by whom, who its ends were, and what led to it. */
export function Flow({ id }: { id: string }) {
  const { place } = useKnown();
  const at = place.search.get("at");
  const path = `/api/flow/${encodeURIComponent(id)}${at ? `?at=${encodeURIComponent(at)}` : ""}`;
  const flow = useAnswer<Explained>(path);
  return (
    <Framed of={flow} what="Looking for the flow…">
      {(answer) => (
        <>
          <header class="subject">
            <p class="small">
              Flow <code>{answer.id}</code>
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
                    <dd>{field.text}</dd>
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
