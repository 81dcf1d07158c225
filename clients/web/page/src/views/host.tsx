import { hostPath, useKnown } from "../app/known";
import { useAnswer } from "../app/use_answer";
import type { Host as Answered } from "../ask/flow_shapes";
import { asked } from "../ask/question";
import { Traffic } from "../chart/traffic";
import { Card } from "../parts/card";
import { QuestionBar } from "../parts/question_bar";
import { Empty, Framed } from "../parts/states";
import { AlertsOf } from "./flow_context";
import { AskedFor, Peers, Scans, Services } from "./host_doings";
import { Attachments, Identity, Owners, Users } from "./host_identity";

/** One host: who it was when, what it offers and uses, with whom it talks. */
export function Host({ address }: { address: string }) {
  const { meta, question } = useKnown();
  const host = useAnswer<Answered>(asked(`/api/host/${encodeURIComponent(address)}`, question, meta.live));
  return (
    <>
      <QuestionBar range={host.answer?.range ?? null} mistake={host.mistake} />
      <Framed of={host} what={`Looking for ${address}…`}>
        {(answer) => (
          <>
            <Identity host={answer} />
            <Card title="Sent (up) and received (down)" wide>
              {answer.totals.flows === 0 ? (
                <Empty>No flows of this host in this time.</Empty>
              ) : (
                <Traffic series={answer.series} manner="updown" height={200} path={hostPath(address)} />
              )}
            </Card>
            <div class="cards broad">
              <Scans rows={answer.scans} />
              <AlertsOf alerts={answer.alerts} />
              <Services title="Services offered" rows={answer.services_offered} others="clients" />
              <Services title="Services used" rows={answer.services_used} others="servers" />
              <Peers rows={answer.peers} />
              <AskedFor host={answer} />
              <Attachments rows={answer.attached} />
              <Users rows={answer.used_by} />
              <Owners rows={answer.networks} />
            </div>
          </>
        )}
      </Framed>
    </>
  );
}
