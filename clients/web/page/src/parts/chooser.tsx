import { useState } from "preact/hooks";
import { Menu } from "./menu";

interface Choice {
  name: string;
  doc: string;
}

interface Properties {
  title: string;
  chosen: string[];
  choices: Choice[];
  onChange: (names: string[]) => void;
}

function found(choices: Choice[], text: string): Choice[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return choices.filter(({ name, doc }) =>
    words.every((word) => name.includes(word) || doc.toLowerCase().includes(word)),
  );
}

function moved(names: string[], name: string, by: number): string[] {
  const place = names.indexOf(name);
  const next = names.filter((one) => one !== name);
  next.splice(Math.max(0, place + by), 0, name);
  return next;
}

/** Fields out of some two hundred, in an order: searched by name or meaning. */
export function Chooser({ title, chosen, choices, onChange }: Properties) {
  const [text, setText] = useState("");
  const docs = new Map(choices.map(({ name, doc }) => [name, doc]));
  const others = found(choices, text).filter(({ name }) => !chosen.includes(name));
  return (
    <Menu title={title}>
      <div class="chooser">
        <input
          type="search"
          aria-label="Search fields"
          placeholder="Search fields by name or meaning"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <ul>
          {chosen.map((name, place) => (
            <li key={name}>
              <label title={docs.get(name)}>
                <input type="checkbox" checked onChange={() => onChange(chosen.filter((one) => one !== name))} />
                <code>{name}</code> <span class="doc">{docs.get(name)}</span>
              </label>
              <button
                type="button"
                aria-label={`Move ${name} to the left`}
                disabled={place === 0}
                onClick={() => onChange(moved(chosen, name, -1))}
              >
                ↑
              </button>
              <button
                type="button"
                aria-label={`Move ${name} to the right`}
                disabled={place === chosen.length - 1}
                onClick={() => onChange(moved(chosen, name, 1))}
              >
                ↓
              </button>
            </li>
          ))}
          {chosen.length > 0 && <li class="line" aria-hidden="true" />}
          {others.slice(0, 80).map(({ name, doc }) => (
            <li key={name}>
              <label title={doc}>
                <input type="checkbox" checked={false} onChange={() => onChange([...chosen, name])} />
                <code>{name}</code> <span class="doc">{doc}</span>
              </label>
            </li>
          ))}
        </ul>
        <button type="button" onClick={() => onChange([])}>
          As usual
        </button>
      </div>
    </Menu>
  );
}
