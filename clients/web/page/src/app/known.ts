import { createContext } from "preact";
import { useContext, useMemo } from "preact/hooks";
import { parametersOf, type Question, questionOf } from "../ask/question";
import type { Field, Meta } from "../ask/shapes";
import { isZone } from "../show/times";
import { linkTo, type Place } from "./place";

/** What every part of the page may know. */
export interface Known {
  meta: Meta;
  place: Place;
  question: Question;
  /** Zone that times are shown and read in. */
  zone: string;
  /** Counts up when records were added, so that answers are asked for again. */
  generation: number;
  now: () => number;
  fields: Map<string, Field>;
}

export const KnownContext = createContext<Known | null>(null);

export function useKnown(): Known {
  const known = useContext(KnownContext);
  if (!known) throw new Error("used outside of the page");
  return known;
}

export function useQuestion(place: Place): Question {
  return useMemo(() => questionOf(place.search), [place]);
}

/** Where the view of a host is. */
export function hostPath(address: string): string {
  return `/host/${encodeURIComponent(address)}`;
}

/** A link to the view of a host with a question. */
export function hostLink(address: string, question: Question): string {
  return viewLink(hostPath(address), question);
}

/** A link to a view with a question, and parameters of that view. */
export function viewLink(path: string, question: Question, more: Record<string, string> = {}): string {
  const search = parametersOf(question);
  for (const [name, value] of Object.entries(more)) if (value) search.set(name, value);
  return linkTo(path, search);
}

export function zoneOf(question: Question, preferred: string): string {
  if (question.zone && isZone(question.zone)) return question.zone;
  return preferred && isZone(preferred) ? preferred : "UTC";
}
