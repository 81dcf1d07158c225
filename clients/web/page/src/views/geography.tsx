import { useState } from "preact/hooks";
import { useKnown, viewLink } from "../app/known";
import { go } from "../app/place";
import { useAnswer } from "../app/use_answer";
import type { Geography as Answered, CountryRow } from "../ask/flow_shapes";
import { asked, narrowed } from "../ask/question";
import { countryName, DOTS } from "../map/codes";
import { arc, HEIGHT, MIDDLES, SHAPES, step, WIDTH } from "../map/world";
import { Card } from "../parts/card";
import { QuestionBar } from "../parts/question_bar";
import { Empty, Framed } from "../parts/states";
import { bytes, whole } from "../show/numbers";
import { Places } from "./places";

/** Countries at the other ends, on a map that is part of the page. */
export function Geography() {
  const { meta, question } = useKnown();
  const geography = useAnswer<Answered>(asked("/api/geography", question, meta.live, { metric: "bytes" }));
  return (
    <>
      <QuestionBar range={geography.answer?.range ?? null} mistake={geography.mistake} />
      <h1 class="unseen">Geography</h1>
      <Framed of={geography} what="Adding up countries…">
        {(answer) =>
          answer.countries.length === 0 ? (
            <Empty>
              No country is known of these flows ({whole(answer.unknown.flows)} flows, {bytes(answer.unknown.bytes)}).
              Countries come from labels: give <code>--labels</code> a configuration with a country database when
              records are made or merged.
            </Empty>
          ) : (
            <>
              <World answer={answer} />
              <Places answer={answer} />
            </>
          )
        }
      </Framed>
    </>
  );
}

function World({ answer }: { answer: Answered }) {
  const { question } = useKnown();
  const [chosen, setChosen] = useState<string | null>(null);
  const rows = new Map(answer.countries.map((row) => [row.code, row]));
  const sizes = answer.countries.map((row) => row.bytes).filter((size) => size > 0);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  const heaviest = Math.max(...answer.flows.map((flow) => flow.bytes), 1);
  const open = (row: CountryRow | undefined) => row?.filter && go(viewLink("/flows", narrowed(question, row.filter)));
  const shown = rows.get(chosen ?? "");
  const level = (code: string | null) => `level-${step(rows.get(code ?? "")?.bytes ?? 0, least, most)}`;
  return (
    <Card title="Bytes by country" wide aside={sizes.length > 0 && <Scale least={least} most={most} />}>
      <svg
        class="world"
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        role="img"
        aria-label={`Map of the world: ${answer.countries.length} countries; the table below has the figures`}
      >
        {SHAPES.map((shape) => (
          // biome-ignore lint/a11y/noStaticElementInteractions: the table below the map has the same links for keys
          <path
            key={shape.path}
            d={shape.path}
            class={level(shape.code)}
            onPointerEnter={() => setChosen(shape.code)}
            onClick={() => open(rows.get(shape.code ?? ""))}
          />
        ))}
        {Object.keys(DOTS)
          .filter((code) => rows.has(code))
          .map((code) => {
            const [x, y] = MIDDLES.get(code) ?? [0, 0];
            return (
              // biome-ignore lint/a11y/noStaticElementInteractions: as above
              <circle
                key={code}
                cx={x}
                cy={y}
                r={4}
                class={level(code)}
                onPointerEnter={() => setChosen(code)}
                onClick={() => open(rows.get(code))}
              />
            );
          })}
        {answer.flows.slice(0, 60).map((flow) => {
          const from = MIDDLES.get(flow.source);
          const to = MIDDLES.get(flow.target);
          if (!from || !to || flow.source === flow.target) return null;
          return (
            <path
              key={`${flow.source}${flow.target}`}
              class="arc"
              d={arc(from, to)}
              stroke-width={0.8 + 3 * Math.sqrt(flow.bytes / heaviest)}
            />
          );
        })}
      </svg>
      <p class="small" aria-hidden="true">
        {chosen
          ? `${countryName(chosen)}: ${shown ? `${bytes(shown.bytes)}, ${whole(shown.flows)} flows` : "nothing in this time"}`
          : "Point at a country."}
        {answer.unknown.flows > 0 &&
          ` Of unknown country: ${bytes(answer.unknown.bytes)}, ${whole(answer.unknown.flows)} flows.`}
      </p>
    </Card>
  );
}

function Scale({ least, most }: { least: number; most: number }) {
  return (
    <p class="key">
      {bytes(least)}
      {[1, 2, 3, 4, 5].map((level) => (
        <span key={level} class={`swatch level-${level}`} aria-hidden="true" />
      ))}
      {bytes(most)}, in equal ratios
    </p>
  );
}
