import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Alert } from "../ask/shapes";
import { Arrived } from "../parts/arrived";
import { Help } from "../parts/help";
import { counted } from "../show/numbers";
import { useKnown, viewLink } from "./known";
import { useShortcuts } from "./shortcuts";
import { setTheme, type Theme, theme } from "./theme";
import { TABS } from "./views";

interface Properties {
  view: string;
  connected: boolean;
  alerts: Alert[];
  onSeen: (id: string) => void;
  children: ComponentChildren;
}

/** What surrounds every view: navigation, appearance, alerts as they arrive. */
export function Shell({ view, connected, alerts, onSeen, children }: Properties) {
  const { question, meta } = useKnown();
  const [helping, setHelping] = useState(false);
  useShortcuts(question, () => setHelping(true));
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href={viewLink("/", question)} aria-label="Argosy, overview">
          <img src="/favicon.svg" alt="" width="22" height="22" />
          <b>Argosy</b>
        </a>
        <nav aria-label="Views">
          {TABS.map((tab) => (
            <a key={tab.path} href={viewLink(tab.path, question)} aria-current={tab.path === view ? "page" : undefined}>
              {tab.title}
            </a>
          ))}
        </nav>
        <div class="about">
          <span class="source" title={meta.sources.map((source) => source.name).join(", ")}>
            <span class={connected ? (meta.live ? "dot live" : "dot") : "dot away"} aria-hidden="true" />
            {connected ? `${meta.title}, ${counted(meta.records, "record")}` : "no connection"}
          </span>
          <Appearance />
          <button
            type="button"
            class="quiet"
            aria-label="Help and keys"
            title="Help and keys (?)"
            onClick={() => setHelping(true)}
          >
            ?
          </button>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <Arrived alerts={alerts} onSeen={onSeen} />
      {helping && <Help onClose={() => setHelping(false)} />}
    </>
  );
}

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const SIGN: Record<Theme, string> = { system: "◐", light: "○", dark: "●" };

function Appearance() {
  const [chosen, setChosen] = useState(theme);
  const next = NEXT[chosen];
  return (
    <button
      type="button"
      class="quiet"
      data-key="t"
      aria-label={`Appearance: ${chosen}; change to ${next}`}
      title={`Appearance: ${chosen} (t)`}
      onClick={() => {
        setTheme(next);
        setChosen(next);
      }}
    >
      {SIGN[chosen]}
    </button>
  );
}
