import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Refused, Waiting } from "../parts/states";
import { mistakeOf } from "./use_answer";

/** A view that is fetched when it is first opened: the first page need not wait for what most visits never see. */
export function later(load: () => Promise<ComponentType>): ComponentType {
  let loaded: ComponentType | null = null;
  return function Later() {
    const [state, setState] = useState<{ view: ComponentType | null; problem: unknown }>({
      view: loaded,
      problem: null,
    });
    const fetched = () => {
      load().then(
        (view) => {
          loaded = view;
          setState({ view, problem: null });
        },
        (problem: unknown) => setState({ view: null, problem }),
      );
    };
    // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the view is opened
    useEffect(() => {
      if (!state.view) fetched();
    }, []);
    if (state.problem) return <Refused mistake={mistakeOf(state.problem)} again={fetched} />;
    return state.view ? <state.view /> : <Waiting what="Opening…" />;
  };
}
