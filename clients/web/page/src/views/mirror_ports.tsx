import { useKnown, viewLink } from "../app/known";
import { useAnswer } from "../app/use_answer";
import { both, narrowed, ofProbe } from "../ask/question";
import type { Spans } from "../ask/shapes";
import { Card } from "../parts/card";
import { Empty, Framed } from "../parts/states";
import { counted, share, whole } from "../show/numbers";
import { instant } from "../show/times";

/** Whether probes see all there is to see, and once. */
export function MirrorPorts() {
  const { question, zone } = useKnown();
  const spans = useAnswer<Spans>("/api/spans");
  const flows = (filter: string) => viewLink("/flows", narrowed(question, filter));
  return (
    <Card title="Probes and mirror ports">
      <Framed of={spans} what="Looking…">
        {({ probes, findings }) => (
          <>
            {findings.map((finding) => (
              <p key={`${finding.kind}${finding.probe}${finding.interface}`} class="finding medium">
                {finding.diagnosis}
                {finding.share ? ` (${share(finding.share)})` : ""}.{" "}
                <a href={flows(both(seenBy(finding.probe), "dup"))}>Its flows with copies</a>
              </p>
            ))}
            {probes.length === 0 && findings.length === 0 && <Empty>No probe told of itself.</Empty>}
            <ul class="probes">
              {probes.map((probe) => (
                <li key={`${probe.site}${probe.probe}${probe.last}`}>
                  <span class={`dot ${probe.state}`} aria-hidden="true" />
                  <span>
                    <a href={flows(seenBy(probe.probe))}>{probe.probe}</a> {probe.state},{" "}
                    {counted(probe.packets, "packet")}, {whole(probe.dropped)} dropped
                  </span>
                  <time>{instant(probe.last, zone)}</time>
                </li>
              ))}
            </ul>
          </>
        )}
      </Framed>
    </Card>
  );
}

/** A filter for what a probe saw, none where it has no name. */
function seenBy(probe: string | null): string {
  return probe ? ofProbe(probe) : "";
}
