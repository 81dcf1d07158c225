import { useEffect, useState } from "preact/hooks";
import { useKnown, viewLink } from "../app/known";
import { mistakeOf, useAnswer } from "../app/use_answer";
import { change } from "../ask/client";
import { pieces } from "../ask/marked";
import { parametersOf } from "../ask/question";
import type { Alert, Mistake } from "../ask/shapes";
import { Card } from "../parts/card";
import { Empty, Framed } from "../parts/states";
import { whole } from "../show/numbers";
import { instant } from "../show/times";

interface Rule {
  name: string;
  severity: string;
  about: string;
  explain: string | null;
  text: string;
}

interface Tested {
  alerts: Alert[];
  count: number;
  records: number;
  silenced: number;
  truncated: boolean;
}

type Checked = { ok: true } | { ok: false; error: Mistake & { text?: string } };

/** The rules, each to be changed, checked and tested over the time asked for. Nothing is written: files stay with their owner. */
export function Rules() {
  const rules = useAnswer<{ rules: Rule[] }>("/api/rules");
  const [chosen, setChosen] = useState<string | null>(null);
  return (
    <Card title="Rules" wide>
      <Framed of={rules} what="Reading rules…">
        {(answer) => {
          if (answer.rules.length === 0) return <Empty>No rules are known. Start argosy web with --rules.</Empty>;
          const rule = answer.rules.find((one) => one.name === chosen) ?? answer.rules[0];
          return (
            <div class="rules">
              <ul aria-label="Rules">
                {answer.rules.map((one) => (
                  <li key={one.name}>
                    <button
                      type="button"
                      class={one.name === rule?.name ? "chosen" : ""}
                      aria-pressed={one.name === rule?.name}
                      onClick={() => setChosen(one.name)}
                    >
                      <span class={`severity ${one.severity}`}>{one.severity}</span> {one.name}
                    </button>
                  </li>
                ))}
              </ul>
              {rule && <Editor key={rule.name} rule={rule} />}
            </div>
          );
        }}
      </Framed>
    </Card>
  );
}

const PAUSE = 300;

function useChecked(text: string): Checked | null {
  const [checked, setChecked] = useState<Checked | null>(null);
  useEffect(() => {
    let superseded = false;
    const timer = setTimeout(() => {
      change<Checked>("POST", "/api/rules/check", { text }).then(
        (answer) => superseded || setChecked(answer),
        (problem: unknown) => superseded || setChecked({ ok: false, error: mistakeOf(problem) }),
      );
    }, PAUSE);
    return () => {
      superseded = true;
      clearTimeout(timer);
    };
  }, [text]);
  return checked;
}

function Editor({ rule }: { rule: Rule }) {
  const { question, meta } = useKnown();
  const [text, setText] = useState(rule.text);
  const [tested, setTested] = useState<Tested | Mistake | "waiting" | null>(null);
  const checked = useChecked(text);
  const edit = (next: string) => {
    setText(next);
    setTested(null);
  };
  const test = async () => {
    setTested("waiting");
    try {
      const time = Object.fromEntries(parametersOf({ ...question, filter: "" }));
      const anchor = meta.live ? {} : { anchor: "end" };
      setTested(await change<Tested>("POST", "/api/rules/test", { text, ...time, ...anchor }));
    } catch (problem) {
      setTested(mistakeOf(problem));
    }
  };
  return (
    <div class="editing">
      {rule.explain && <p class="small">{rule.explain}</p>}
      <label>
        The rule; changes stay in this page
        <textarea
          spellcheck={false}
          rows={Math.min(18, text.split("\n").length + 1)}
          value={text}
          onInput={(event) => edit(event.currentTarget.value)}
        />
      </label>
      <p role="status" class={checked && !checked.ok ? "mistake" : "small"}>
        {checked === null ? "Checking…" : checked.ok ? "Correct." : checked.error.message}
        {checked && !checked.ok && checked.error.text && <Wrong line={checked.error.text} mistake={checked.error} />}
      </p>
      <p class="actions">
        <button type="button" class="primary" disabled={!checked?.ok || tested === "waiting"} onClick={test}>
          What would it have found in this time?
        </button>
        <button type="button" disabled={text === rule.text} onClick={() => edit(rule.text)}>
          As it was
        </button>
      </p>
      <Found tested={tested} />
    </div>
  );
}

/** The line with the word that is wrong. */
function Wrong({ line, mistake }: { line: string; mistake: Mistake }) {
  return (
    <code class="line">
      {pieces(line, mistake).map((piece, place) => (
        <span key={`${place}${piece.wrong}`} class={piece.wrong ? "wavy" : ""}>
          {piece.text}
        </span>
      ))}
    </code>
  );
}

function Found({ tested }: { tested: Tested | Mistake | "waiting" | null }) {
  const { question, zone } = useKnown();
  if (tested === null) return null;
  if (tested === "waiting") return <p role="status">Looking at the records…</p>;
  if ("message" in tested) return <p class="mistake">{tested.message}</p>;
  return (
    <div class="tested" role="status">
      <p>
        {whole(tested.count)} {tested.count === 1 ? "alert" : "alerts"} in {whole(tested.records)} records
        {tested.silenced > 0 && `, ${whole(tested.silenced)} silenced`}
        {tested.truncated && "; the limit of rows or time ended the test early"}.
      </p>
      <ul class="alerts">
        {tested.alerts.slice(0, 50).map((alert) => (
          <li key={alert.id}>
            <time>{instant(alert.time, zone)}</time>
            {alert.filter ? (
              <a
                href={viewLink("/flows", {
                  ...question,
                  filter: alert.filter,
                  range: "",
                  from: alert.first,
                  to: alert.last + 1e-6,
                })}
              >
                {alert.summary}
              </a>
            ) : (
              alert.summary
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}
