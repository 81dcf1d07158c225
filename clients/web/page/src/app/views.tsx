import type { ComponentChildren } from "preact";
import { Flow } from "../views/flow";
import { Flows } from "../views/flows";
import { Host } from "../views/host";
import { Overview } from "../views/overview";

export interface View {
  path: string;
  title: string;
  show: () => ComponentChildren;
}

/** Views in the order of the navigation, with the key that opens each after "g". */
export const TABS = [
  { path: "/", title: "Overview", key: "o" },
  { path: "/flows", title: "Flows", key: "f" },
] as const;

export function viewAt(path: string): View {
  if (path === "/flows") return { path, title: "Flows", show: () => <Flows /> };
  const [, kind, rest] = /^\/(flow|host)\/(.+)$/.exec(path) ?? [];
  const subject = rest ? decoded(rest) : "";
  if (kind === "flow") return { path: "/flows", title: "Flow", show: () => <Flow key={subject} id={subject} /> };
  if (kind === "host") return { path: "/", title: subject, show: () => <Host key={subject} address={subject} /> };
  return { path: "/", title: "Overview", show: () => <Overview /> };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
