import { useLayoutEffect, useRef } from "preact/hooks";
import { useKnown } from "../app/known";
import { KEYS } from "../app/shortcuts";

/** Keys, the filter language in a few lines, and whose work the page contains. */
export function Help({ onClose }: { onClose: () => void }) {
  const { meta } = useKnown();
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby="help-title" onClose={onClose}>
      <header>
        <h2 id="help-title">Keys and filters</h2>
        <button type="button" aria-label="Close" onClick={() => dialog.current?.close()}>
          ×
        </button>
      </header>
      <dl class="keys">
        {KEYS.map(([key, meaning]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <h3>Filters</h3>
      <dl class="keys">
        {meta.examples.map((example) => (
          <div key={example.filter}>
            <dt>
              <code>{example.filter}</code>
            </dt>
            <dd>{example.text}</dd>
          </div>
        ))}
      </dl>
      <p class="small">
        Argosy {meta.version}.{" "}
        <a href="/licences.txt" rel="external">
          Licences
        </a>{" "}
        of what this page contains.
      </p>
    </dialog>
  );
}
