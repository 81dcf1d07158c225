import type { ComponentChildren } from "preact";
import { Flows } from "../views/flows";
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
  return { path: "/", title: "Overview", show: () => <Overview /> };
}
