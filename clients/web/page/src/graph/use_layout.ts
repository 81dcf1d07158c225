import { useEffect, useState } from "preact/hooks";
import type { Graph } from "../ask/flow_shapes";
import { type Placed, radius, type Spot, type Tie } from "./layout";

export interface Drawing {
  graph: Graph;
  placed: Placed[];
  sizes: number[];
}

function described(graph: Graph): { spots: Spot[]; ties: Tie[] } {
  const most = Math.max(...graph.nodes.map((node) => node.bytes), 1);
  const heaviest = Math.max(...graph.links.map((link) => link.bytes), 1);
  return {
    spots: graph.nodes.map((node) => ({ id: node.id, size: radius(node.bytes / most) })),
    ties: graph.links.map(({ source, target, bytes }) => ({ source, target, weight: bytes / heaviest })),
  };
}

/** Lay a graph out beside the page, so that 500 nodes do not make it halt. */
export function useLayout(graph: Graph | null): Drawing | null {
  const [drawing, setDrawing] = useState<Drawing | null>(null);
  useEffect(() => {
    if (!graph) return;
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    const { spots, ties } = described(graph);
    worker.onmessage = (event: MessageEvent<Placed[]>) =>
      setDrawing({ graph, placed: event.data, sizes: spots.map((spot) => spot.size) });
    worker.postMessage({ spots, ties });
    return () => worker.terminate();
  }, [graph]);
  return drawing;
}
