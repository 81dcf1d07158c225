import { useState } from "preact/hooks";

/** A command line to copy. */
export function Command({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
  };
  return (
    <div class="command">
      <code>{text}</code>
      <button type="button" onClick={copy} aria-label="Copy the command line">
        {copied ? "Copied" : "Copy"}
      </button>
    </div>
  );
}
