/** Lays the map out, in a worker: with hundreds of servers that takes longer than a frame. */
import { Graph, layout } from "@dagrejs/dagre";
import type { Drawing, LayoutRequest } from "./graph";

const scope = self as unknown as {
  onmessage: (event: { data: LayoutRequest }) => void;
  postMessage: (answer: Drawing) => void;
};

scope.onmessage = ({ data: { nodes, edges, width, height } }) => {
  const graph = new Graph();
  graph.setGraph({ rankdir: "LR", nodesep: 14, ranksep: 40, marginx: 12, marginy: 12, ranker: "longest-path" });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const id of nodes) graph.setNode(id, { width, height });
  for (const [from, to] of edges) graph.setEdge(from, to);
  layout(graph);
  const places = nodes.map((id): [string, number, number] => {
    const { x = 0, y = 0 } = graph.node(id) as { x?: number; y?: number };
    return [id, Math.round(x - width / 2), Math.round(y - height / 2)];
  });
  const size = graph.graph() as { width?: number; height?: number };
  scope.postMessage({ places, edges, width: Math.ceil(size.width ?? 0), height: Math.ceil(size.height ?? 0) });
};
