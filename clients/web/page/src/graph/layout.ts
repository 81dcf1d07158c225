import {
  forceCollide,
  forceLink,
  forceManyBody,
  forceSimulation,
  forceX,
  forceY,
  type SimulationNodeDatum,
} from "d3-force";

export interface Spot {
  id: string;
  size: number;
}

export interface Tie {
  source: string;
  target: string;
  weight: number;
}

export interface Placed {
  x: number;
  y: number;
}

interface Body extends SimulationNodeDatum {
  id: string;
  size: number;
}

/** Radius of a node by its share of the largest: its area tells its bytes. */
export function radius(share: number): number {
  return 4 + 14 * Math.sqrt(Math.max(0, share));
}

/**
 * Places of all nodes, the same for the same graph. Nodes push each other away, links hold together, what is not linked
 * stays near the middle; circles do not overlap. The picture is wider than high, as screens are.
 */
export function layout(spots: Spot[], ties: Tie[]): Placed[] {
  const bodies: Body[] = spots.map((spot) => ({ ...spot }));
  const rounds = bodies.length > 250 ? 120 : 240;
  const simulation = forceSimulation(bodies)
    .force(
      "links",
      forceLink<Body, { source: string | Body; target: string | Body; weight: number }>(ties.map((tie) => ({ ...tie })))
        .id((body) => body.id)
        .distance((tie) => 60 + 50 * (1 - tie.weight)),
    )
    .force("push", forceManyBody<Body>().strength(-260).distanceMax(400).theta(1.2))
    .force(
      "apart",
      forceCollide<Body>((body) => body.size + 5),
    )
    .force("across", forceX<Body>(0).strength(0.05))
    .force("down", forceY<Body>(0).strength(0.09))
    .alphaDecay(1 - 0.001 ** (1 / rounds))
    .stop();
  simulation.tick(rounds);
  return bodies.map((body) => ({ x: body.x ?? 0, y: body.y ?? 0 }));
}

/** The box around all nodes, with room for their labels. */
export function box(placed: Placed[]): { x: number; y: number; width: number; height: number } {
  const xs = placed.map((one) => one.x);
  const ys = placed.map((one) => one.y);
  const [left, right] = [Math.min(...xs, 0) - 90, Math.max(...xs, 0) + 90];
  const [top, bottom] = [Math.min(...ys, 0) - 40, Math.max(...ys, 0) + 40];
  return { x: left, y: top, width: right - left, height: bottom - top };
}
