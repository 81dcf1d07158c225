import type { ComponentChildren } from "preact";
import { Alerts } from "../views/alerts";
import { Dns } from "../views/dns";
import { Flow } from "../views/flow";
import { Flows } from "../views/flows";
import { Host } from "../views/host";
import { Live } from "../views/live";
import { Overview } from "../views/overview";
import { later } from "./later";

const Graph = later(() => import("../views/graph").then((part) => part.Graph));
const Geography = later(() => import("../views/geography").then((part) => part.Geography));

export interface View {
  path: string;
  title: string;
  show: () => ComponentChildren;
}

/** Views in the order of the navigation, with the key that opens each after "g". */
export const TABS = [
  { path: "/", title: "Overview", key: "o", show: () => <Overview /> },
  { path: "/flows", title: "Flows", key: "f", show: () => <Flows /> },
  { path: "/graph", title: "Graph", key: "g", show: () => <Graph /> },
  { path: "/map", title: "Map", key: "m", show: () => <Geography /> },
  { path: "/dns", title: "DNS", key: "d", show: () => <Dns /> },
  { path: "/live", title: "Live", key: "l", show: () => <Live /> },
  { path: "/alerts", title: "Alerts", key: "a", show: () => <Alerts /> },
] as const;

export function viewAt(path: string): View {
  const [, kind, rest] = /^\/(flow|host)\/(.+)$/.exec(path) ?? [];
  const subject = rest ? decoded(rest) : "";
  if (kind === "flow") return { path: "/flows", title: "Flow", show: () => <Flow key={subject} id={subject} /> };
  if (kind === "host") return { path: "/", title: subject, show: () => <Host key={subject} address={subject} /> };
  return TABS.find((tab) => tab.path === path) ?? TABS[0];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
