import type { Explained, PayloadSide } from "../ask/flow_shapes";
import { Card } from "../parts/card";
import { counted } from "../show/numbers";
import { octets } from "../show/octets";

/** What was kept of the user data of both ends, and how its protocol reads it. */
export function Payload({ flow }: { flow: Explained }) {
  const { payload } = flow;
  if (!payload.src && !payload.dst) return null;
  return (
    <Card title="What they said first" wide>
      <div class="ends">
        <Side title="Source" side={payload.src} />
        <Side title="Destination" side={payload.dst} />
      </div>
    </Card>
  );
}

function Side({ title, side }: { title: string; side: PayloadSide | null }) {
  if (!side) return null;
  return (
    <div class="end">
      <h3>
        {title}
        <span class="also">
          {side.of > side.bytes
            ? `the first ${side.bytes} of ${counted(side.of, "byte")}`
            : counted(side.bytes, "byte")}
        </span>
      </h3>
      {side.says && (
        <p class="says">
          <b>{side.protocol}</b> {side.says}
        </p>
      )}
      {side.facts.length > 0 && (
        <dl class="details">
          {side.facts.map((fact) => (
            <div key={fact.name} title={fact.doc}>
              <dt>{fact.name}</dt>
              <dd>{fact.value}</dd>
            </div>
          ))}
        </dl>
      )}
      <details open={!side.says}>
        <summary>Bytes</summary>
        <pre class="payload" tabIndex={0}>
          {octets(side.hex)}
        </pre>
      </details>
    </div>
  );
}
