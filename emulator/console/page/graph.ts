/** The map as nodes and arrows, and its layout, which is made anew only when one of them comes or goes. */
import { useEffect, useState } from "preact/hooks";
import type { ConsoleObject } from "../protocol";
import { FADE_MS, store } from "./store";

export const NODE = { width: 172, height: 58 } as const;

export interface LayoutRequest {
  readonly nodes: readonly string[];
  readonly edges: readonly (readonly [from: string, to: string])[];
  readonly width: number;
  readonly height: number;
}

/** Where everything is, in pixels from the top left. */
export interface Drawing {
  readonly places: readonly (readonly [id: string, x: number, y: number])[];
  readonly edges: readonly (readonly [from: string, to: string])[];
  readonly width: number;
  readonly height: number;
}

const NOTHING: Drawing = { places: [], edges: [], width: 0, height: 0 };

/** What is there or fading away; service IDs only when something has to do with them. */
export function shown(): ConsoleObject[] {
  const all = [...store.objects.values()].filter(({ id, deletedAt }) => {
    return deletedAt === undefined || Date.now() - (store.goneSince.get(id) ?? 0) < FADE_MS;
  });
  const linked = new Set(all.flatMap(({ edges }) => edges.flat()));
  return all.filter(({ kind, id }) => kind !== "serviceId" || linked.has(id));
}

function requestOf(objects: readonly ConsoleObject[]): LayoutRequest {
  const nodes = objects.map(({ id }) => id);
  const known = new Set(nodes);
  const edges = objects.flatMap((object) => object.edges).filter(([from, to]) => known.has(from) && known.has(to));
  return { nodes, edges, ...NODE };
}

/** The present drawing: the last one stays until the next is ready. */
export function useDrawing(): Drawing {
  const [drawing, setDrawing] = useState(NOTHING);
  useEffect(() => {
    const worker = new Worker("layout.js");
    let drawn = "";
    let isBusy = false;
    const begin = (): void => {
      if (isBusy) return;
      const request = requestOf(shown());
      const text = JSON.stringify(request);
      if (text === drawn) return;
      drawn = text;
      isBusy = true;
      worker.postMessage(request);
    };
    worker.onmessage = ({ data }: MessageEvent<Drawing>) => {
      isBusy = false;
      setDrawing(data);
      begin();
    };
    let topology = -1;
    const look = (): void => {
      if (store.topology === topology) return;
      topology = store.topology;
      begin();
    };
    look();
    const unsubscribe = store.subscribe(look);
    // What has faded away leaves without a message.
    const timer = setInterval(() => store.goneSince.size > 0 && begin(), 2000);
    return () => {
      clearInterval(timer);
      unsubscribe();
      worker.terminate();
    };
  }, []);
  return drawing;
}

/** Everything that leads to a node or follows from it. */
export function reach(edges: Drawing["edges"], id: string): ReadonlySet<string> {
  const found = new Set([id]);
  for (const [tail, head] of [[0, 1] as const, [1, 0] as const]) {
    const queue = [id];
    for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
      for (const edge of edges) {
        if (edge[tail] !== at || found.has(edge[head])) continue;
        found.add(edge[head]);
        queue.push(edge[head]);
      }
    }
  }
  return found;
}
