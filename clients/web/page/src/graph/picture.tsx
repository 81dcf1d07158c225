import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { bytes, whole } from "../show/numbers";
import { shortened, uncrowded, within } from "./labels";
import { box } from "./layout";
import { isLocal } from "./locality";
import type { Drawing } from "./use_layout";

interface Properties {
  drawing: Drawing;
  chosen: string | null;
  onChoose: (id: string | null) => void;
  onOpen: (id: string) => void;
}

/** Labels stand at the largest nodes only, until one is pointed at: 500 names would cover each other. */
const LABELLED = 40;
/** Pixels of the picture's width for each of them. */
const ROOM = 20;
/** Size of the labels' type on the screen, however large the graph is, and how far below its circle one stands. */
const TYPE = 10.5;
const BELOW = 11;

interface View {
  x: number;
  y: number;
  width: number;
  height: number;
}

function zoomed(view: View, factor: number, at: { x: number; y: number }): View {
  const width = view.width * factor;
  const height = view.height * factor;
  return { x: at.x - (at.x - view.x) * factor, y: at.y - (at.y - view.y) * factor, width, height };
}

/** The graph, to be moved by dragging and zoomed with the wheel; nodes are in the order of Tab, Enter opens one. */
export function Picture({ drawing, chosen, onChoose, onOpen }: Properties) {
  const { graph, placed, sizes } = drawing;
  const whole_ = useMemo(() => box(placed), [placed]);
  const [view, setView] = useState<View>(whole_);
  const svg = useRef<SVGSVGElement>(null);
  const drag = useRef<{ x: number; y: number; view: View } | null>(null);
  useEffect(() => setView(whole_), [whole_]);
  const [frame, setFrame] = useState({ width: 900, height: 600 });
  useEffect(() => {
    if (!svg.current) return;
    const resized = new ResizeObserver(([entry]) => entry && setFrame(entry.contentRect));
    resized.observe(svg.current);
    return () => resized.disconnect();
  }, []);
  /** Lengths of the graph in a pixel of the screen. */
  const scale = Math.max(view.width / (frame.width || 1), view.height / (frame.height || 1));
  const places = useMemo(() => new Map(graph.nodes.map((node, place) => [node.id, place])), [graph]);
  const near = useMemo(() => {
    const found = new Set<string>();
    for (const { source, target } of graph.links) {
      if (source === chosen) found.add(target);
      if (target === chosen) found.add(source);
    }
    return found;
  }, [graph, chosen]);
  const labelled = useMemo(() => {
    const first = (id: string) => (id === chosen ? 2 : near.has(id) ? 1 : 0);
    const order = [...graph.nodes.entries()]
      .filter(([, { id }]) => chosen === null || first(id) > 0)
      .sort(([, one], [, other]) => first(other.id) - first(one.id) || other.bytes - one.bytes);
    const labels = order.map(([place, node]) => {
      const text = shortened(node.name ?? node.label);
      const at = placed[place] ?? { x: 0, y: 0 };
      return { text, x: within(at.x, text, view, scale), y: at.y + (sizes[place] ?? 4) + BELOW * scale };
    });
    const shown = uncrowded(labels, Math.min(LABELLED, frame.width / ROOM), scale);
    return labels.flatMap((label, rank) => (shown.has(rank) ? [{ ...label, id: order[rank]?.[1].id ?? "" }] : []));
  }, [graph, placed, sizes, scale, view, frame.width, chosen, near]);
  useEffect(() => {
    const picture = svg.current;
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      const frame = picture?.getScreenCTM()?.inverse();
      if (frame) {
        const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(frame);
        setView((last) => zoomed(last, event.deltaY > 0 ? 1.15 : 1 / 1.15, at));
      }
    };
    picture?.addEventListener("wheel", wheel, { passive: false });
    return () => picture?.removeEventListener("wheel", wheel);
  }, []);
  const most = Math.max(...graph.links.map((link) => link.bytes), 1);
  const faded = (id: string) => chosen !== null && id !== chosen && !near.has(id);
  const middle = { x: view.x + view.width / 2, y: view.y + view.height / 2 };
  return (
    <div class="picture">
      <div class="zoom">
        <button type="button" aria-label="Zoom in" onClick={() => setView(zoomed(view, 0.7, middle))}>
          +
        </button>
        <button type="button" aria-label="Zoom out" onClick={() => setView(zoomed(view, 1.4, middle))}>
          −
        </button>
        <button type="button" onClick={() => setView(whole_)}>
          All
        </button>
      </div>
      <svg
        ref={svg}
        viewBox={`${view.x} ${view.y} ${view.width} ${view.height}`}
        role="group"
        aria-label={`${graph.nodes.length} nodes, ${graph.links.length} links`}
        onPointerDown={(event) => {
          drag.current = { x: event.clientX, y: event.clientY, view };
          if (event.target === svg.current) onChoose(null);
        }}
        onPointerMove={(event) => {
          const from = drag.current;
          if (!from || !(event.buttons & 1)) return;
          setView({
            ...from.view,
            x: from.view.x - (event.clientX - from.x) * scale,
            y: from.view.y - (event.clientY - from.y) * scale,
          });
        }}
        onPointerUp={() => {
          drag.current = null;
        }}
      >
        <g>
          {graph.links.map((link) => {
            const from = placed[places.get(link.source) ?? -1];
            const to = placed[places.get(link.target) ?? -1];
            if (!from || !to) return null;
            const touched = link.source === chosen || link.target === chosen;
            return (
              <line
                key={`${link.source} ${link.target}`}
                class={touched ? "touched" : chosen !== null ? "faded" : link.lost > 0 ? "lossy" : ""}
                x1={from.x}
                y1={from.y}
                x2={to.x}
                y2={to.y}
                stroke-width={0.7 + 5 * Math.sqrt(link.bytes / most)}
              />
            );
          })}
        </g>
        {graph.nodes.map((node, place) => {
          const at = placed[place];
          if (!at) return null;
          const size = sizes[place] ?? 4;
          return (
            <g
              key={node.id}
              class={`node${isLocal(node) ? "" : " remote"}${node.id === chosen ? " chosen" : ""}${faded(node.id) ? " faded" : ""}`}
              role="button"
              tabindex={0}
              aria-pressed={node.id === chosen}
              aria-label={`${node.label}${node.name ? `, ${node.name}` : ""}: ${bytes(node.bytes)}, ${whole(node.degree)} links`}
              onClick={() => onChoose(node.id)}
              onDblClick={() => onOpen(node.id)}
              onKeyDown={(event) => {
                if (event.key === "Enter") onOpen(node.id);
                if (event.key === " ") {
                  event.preventDefault();
                  onChoose(node.id);
                }
              }}
            >
              <circle cx={at.x} cy={at.y} r={size} />
            </g>
          );
        })}
        <g class="labels" style={{ fontSize: `${TYPE * scale}px`, strokeWidth: `${3 * scale}px` }}>
          {labelled.map(({ id, text, x, y }) => (
            <text key={id} x={x} y={y} text-anchor="middle">
              {text}
            </text>
          ))}
        </g>
      </svg>
    </div>
  );
}
