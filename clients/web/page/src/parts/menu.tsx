import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

/** A button that opens a small box below itself; Escape, or anything elsewhere, closes it. */
export function Menu({ title, children }: { title: string; children: ComponentChildren }) {
  const [open, setOpen] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const box = frame.current;
    if (!open || !box) return;
    box.querySelector<HTMLElement>(".popover a, .popover input, .popover button")?.focus();
    const away = (event: Event) => {
      if (event.target instanceof Node && !box.contains(event.target)) setOpen(false);
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      setOpen(false);
      box.querySelector<HTMLElement>("button")?.focus();
    };
    document.addEventListener("pointerdown", away);
    box.addEventListener("keydown", onKey);
    return () => {
      document.removeEventListener("pointerdown", away);
      box.removeEventListener("keydown", onKey);
    };
  }, [open]);
  return (
    <div class="menu" ref={frame}>
      <button type="button" aria-haspopup="dialog" aria-expanded={open} onClick={() => setOpen(!open)}>
        {title} <span aria-hidden="true">▾</span>
      </button>
      {open && (
        <div class="popover" role="dialog" aria-label={title}>
          {children}
        </div>
      )}
    </div>
  );
}
