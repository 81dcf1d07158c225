import type { GraphNode } from "../ask/flow_shapes";

/** Addresses that are routed nowhere else: RFC 1918, RFC 4193, link-local ones. */
const PRIVATE = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:)/i;

/** What labels say of a node; else whether its address is private. */
export function isLocal(node: Pick<GraphNode, "id" | "local">): boolean {
  return node.local ?? PRIVATE.test(node.id);
}
