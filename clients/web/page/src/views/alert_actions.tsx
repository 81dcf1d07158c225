import { useState } from "preact/hooks";
import { useKnown } from "../app/known";
import { mistakeOf, useAnswer } from "../app/use_answer";
import { change } from "../ask/client";
import type { Alert } from "../ask/shapes";
import { Card, Select } from "../parts/card";
import { PlainTable } from "../parts/plain_table";
import { Framed } from "../parts/states";
import { instant } from "../show/times";

const LENGTHS = [
  ["3600", "an hour"],
  ["28800", "8 hours"],
  ["86400", "a day"],
  ["604800", "a week"],
] as const;

/** Subjects of silences are regular expressions: what an alert names is taken as it is. */
export function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** Say that somebody looks after an alert, or hear no more of its like for a while. */
export function AlertActions({ alert, onChange }: { alert: Alert; onChange: (alert: Alert) => void }) {
  const { zone } = useKnown();
  const [note, setNote] = useState("");
  const [length, setLength] = useState<string>("3600");
  const [told, setTold] = useState("");
  const attempt = async (action: () => Promise<void>) => {
    try {
      setTold("");
      await action();
    } catch (problem) {
      setTold(mistakeOf(problem).message);
    }
  };
  const path = `/api/alerts/${encodeURIComponent(alert.id)}/acknowledge`;
  const acknowledge = () =>
    attempt(async () => {
      const next = await change<Alert>("POST", path, { note });
      onChange({ ...alert, ...next, acknowledged: next?.acknowledged ?? { by: null, at: Date.now() / 1000, note } });
    });
  const takeBack = () =>
    attempt(async () => {
      await change<Alert>("DELETE", path);
      onChange({ ...alert, acknowledged: null });
    });
  const silence = () =>
    attempt(async () => {
      const subject = Object.fromEntries(
        Object.entries(alert.subject).map(([field, value]) => [field, literally(value)]),
      );
      await change("POST", "/api/silences", {
        rule: literally(alert.rule),
        subject,
        seconds: Number(length),
        reason: note,
      });
      onChange({ ...alert, silenced: true });
    });
  return (
    <div class="actions">
      {alert.acknowledged ? (
        <p>
          Acknowledged {alert.acknowledged.by && `by ${alert.acknowledged.by} `}
          {instant(alert.acknowledged.at, zone)}
          {alert.acknowledged.note && `: ${alert.acknowledged.note}`}{" "}
          <button type="button" onClick={takeBack}>
            Take back
          </button>
        </p>
      ) : (
        <>
          <input
            type="text"
            aria-label="Note"
            placeholder="Note"
            value={note}
            onInput={(event) => setNote(event.currentTarget.value)}
          />
          <button type="button" class="primary" onClick={acknowledge}>
            Acknowledge
          </button>
        </>
      )}
      {!alert.silenced && (
        <>
          <Select label="Silence for" value={length} options={LENGTHS} onChange={setLength} />
          <button type="button" onClick={silence}>
            Silence
          </button>
        </>
      )}
      {told && (
        <span class="mistake" role="alert">
          {told}
        </span>
      )}
    </div>
  );
}

interface Silence {
  id: string;
  rule: string;
  subject: Record<string, string>;
  since: number;
  until: number;
  reason: string;
  by: string | null;
}

/** Silences that hold, to be ended. */
export function Silences() {
  const { zone } = useKnown();
  const silences = useAnswer<{ silences: Silence[] }>("/api/silences");
  const end = async (id: string) => {
    await change("DELETE", `/api/silences/${encodeURIComponent(id)}`);
    silences.again();
  };
  return (
    <Framed of={silences} what="Asking for silences…">
      {(answer) =>
        answer.silences.length > 0 && (
          <Card title="Silences" wide>
            <PlainTable
              label="Silences"
              rows={answer.silences}
              id={(row) => row.id}
              heads={[
                { title: "Rule", cell: (row) => <code>{row.rule}</code> },
                {
                  title: "Subject",
                  cell: (row) => (
                    <code>
                      {Object.entries(row.subject)
                        .map(([field, value]) => `${field} ${value}`)
                        .join(", ")}
                    </code>
                  ),
                },
                { title: "Until", cell: (row) => instant(row.until, zone) },
                { title: "Reason", cell: (row) => row.reason },
                {
                  title: "",
                  right: true,
                  cell: (row) => (
                    <button type="button" onClick={() => end(row.id)}>
                      End
                    </button>
                  ),
                },
              ]}
            />
          </Card>
        )
      }
    </Framed>
  );
}
