import { useState } from "preact/hooks";
import { hostLink, useKnown, viewLink } from "../app/known";
import { changed, go } from "../app/place";
import { useAnswer } from "../app/use_answer";
import type { Graph as Answered, GraphLink, GraphNode } from "../ask/flow_shapes";
import { asked, narrowed, type Question } from "../ask/question";
import { Picture } from "../graph/picture";
import { useLayout } from "../graph/use_layout";
import { Select } from "../parts/card";
import { type Head, PlainTable } from "../parts/plain_table";
import { QuestionBar } from "../parts/question_bar";
import { Empty, Framed, Waiting } from "../parts/states";
import { bytes, whole } from "../show/numbers";

const BY = [
  ["addr", "hosts"],
  ["net", "networks"],
  ["country", "countries"],
  ["as", "autonomous systems"],
] as const;

const SIZES = [
  ["50", "50"],
  ["150", "150"],
  ["300", "300"],
  ["500", "500"],
] as const;

/** Who talks with whom: the largest nodes, weighed by bytes. */
export function Graph() {
  const { meta, place, question } = useKnown();
  const by = place.search.get("by") || "addr";
  const nodes = place.search.get("nodes") || "150";
  const graph = useAnswer<Answered>(asked("/api/graph", question, meta.live, { by, nodes, metric: "bytes" }));
  const drawing = useLayout(graph.answer);
  const [chosen, setChosen] = useState<string | null>(null);
  const set = (values: Record<string, string>) => go(changed(place, values), "replace");
  const open = (id: string) => {
    const node = graph.answer?.nodes.find((one) => one.id === id);
    if (node) go(leadsTo(node, by, question));
  };
  return (
    <div class="filling">
      <QuestionBar range={graph.answer?.range ?? null} mistake={graph.mistake} />
      <h1 class="unseen">Conversation graph</h1>
      <div class="tools">
        <Select label="Nodes are" value={by} options={BY} onChange={(value) => set({ by: value })} />
        <Select label="at most" value={nodes} options={SIZES} onChange={(value) => set({ nodes: value })} />
        {graph.answer && graph.answer.left_out.nodes > 0 && (
          <span class="small">
            {whole(graph.answer.left_out.nodes)} smaller ones with {bytes(graph.answer.left_out.bytes)} are left out
          </span>
        )}
        <span class="small key">
          <span class="swatch series-0" aria-hidden="true" /> local <span class="swatch series-1" aria-hidden="true" />{" "}
          remote
          <span class="swatch wrong" aria-hidden="true" /> packets lost
        </span>
      </div>
      <Framed of={graph} what="Adding up who talks with whom…">
        {(answer) => {
          if (answer.nodes.length === 0) return <Empty>No conversations in this time.</Empty>;
          if (!drawing) return <Waiting what="Laying it out…" />;
          return (
            <div class="graph">
              <Picture drawing={drawing} chosen={chosen} onChoose={setChosen} onOpen={open} />
              <Details graph={drawing.graph} by={by} chosen={chosen} />
            </div>
          );
        }}
      </Framed>
    </div>
  );
}

function Details({ graph, by, chosen }: { graph: Answered; by: string; chosen: string | null }) {
  const { question } = useKnown();
  const node = graph.nodes.find((one) => one.id === chosen);
  const links = node ? graph.links.filter((link) => link.source === node.id || link.target === node.id) : graph.links;
  const largest = [...links].sort((one, other) => other.bytes - one.bytes).slice(0, 30);
  const heads: Head<GraphLink>[] = [
    { title: node ? "With" : "Between", cell: (link) => (node ? other(link, node) : `${link.source} ${link.target}`) },
    { title: "Flows", right: true, cell: (link) => whole(link.flows) },
    {
      title: "Bytes",
      right: true,
      cell: (link) =>
        link.filter ? (
          <a href={viewLink("/flows", narrowed(question, link.filter))}>{bytes(link.bytes)}</a>
        ) : (
          bytes(link.bytes)
        ),
    },
  ];
  return (
    <aside class="details-beside" aria-label="Details">
      {node ? (
        <>
          <h2>
            <a href={leadsTo(node, by, question)}>{node.label}</a>
          </h2>
          {node.name && <p>{node.name}</p>}
          <p class="small">
            {bytes(node.bytes)}, {whole(node.flows)} flows, {whole(node.degree)} links
          </p>
        </>
      ) : (
        <h2>Largest links</h2>
      )}
      <PlainTable label="Links" heads={heads} rows={largest} />
    </aside>
  );
}

/** A host has a page of its own; of anything else there are the flows. */
function leadsTo(node: GraphNode, by: string, question: Question): string {
  if (by === "addr") return hostLink(node.id, question);
  return viewLink("/flows", narrowed(question, node.filter));
}

function other(link: GraphLink, node: GraphNode): string {
  return link.source === node.id ? link.target : link.source;
}
