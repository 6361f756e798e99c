/** The map: who may become what, and may do what. As a drawing, or as a table for small screens and screen readers. */
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { NODE, reach, shown, useDrawing, type Drawing } from "./graph";
import { KINDS } from "./format";
import { MapTable } from "./map-table";
import { store, useStore } from "./store";

interface Selecting {
  readonly selected: string | undefined;
  readonly onSelect: (id: string) => void;
}

/** What is this far outside of sight is drawn, too; sight moves in steps, so that not every pixel costs a rendering. */
const [MARGIN, STEP] = [300, 100];

export function MapView(props: Selecting): JSX.Element {
  const { url } = useStore();
  const [asTable, setAsTable] = useState(() => window.innerWidth < 640);
  return (
    <section class="view" aria-label="Map">
      <div class="toolbar">
        <p class="hint">Who may become what, and may do what.</p>
        <div class="choice" role="group" aria-label="Show as">
          <button type="button" aria-pressed={!asTable} onClick={() => setAsTable(false)}>
            Graph
          </button>
          <button type="button" aria-pressed={asTable} onClick={() => setAsTable(true)}>
            Table
          </button>
        </div>
      </div>
      {shown().length === 0 ? (
        <p class="empty">
          Nothing here yet. Deploy something: <code>vpc-identity up</code> or <code>pulumi up</code> against {url}.
        </p>
      ) : asTable ? (
        <MapTable {...props} />
      ) : (
        <GraphView {...props} />
      )}
    </section>
  );
}

interface Seen {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

function GraphView({ selected, onSelect }: Selecting): JSX.Element {
  useStore();
  const drawing = useDrawing();
  const box = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState<Seen>({ left: 0, top: 0, right: 2000, bottom: 1500 });
  const [current, setCurrent] = useState<string>();
  const places = useMemo(() => new Map(drawing.places.map(([id, x, y]) => [id, { x, y }])), [drawing]);
  const lit = useMemo(
    () => (selected === undefined || !places.has(selected) ? undefined : reach(drawing.edges, selected)),
    [drawing, selected],
  );
  const look = (): void => {
    const { current: element } = box;
    if (element === null) return;
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = element;
    const [left, top] = [scrollLeft, scrollTop].map((at) => Math.floor(at / STEP) * STEP - MARGIN) as [number, number];
    const [right, bottom] = [left + clientWidth + 2 * MARGIN + STEP, top + clientHeight + 2 * MARGIN + STEP];
    setSeen((seen) =>
      seen.left === left && seen.top === top && seen.right === right && seen.bottom === bottom
        ? seen
        : { left, top, right, bottom },
    );
  };
  useEffect(look, [drawing]);
  // A tall map begins where its lines meet, and not at its upper end.
  const isDrawn = drawing.places.length > 0;
  useEffect(() => {
    const { current: element } = box;
    const [, , y = 0] = drawing.places.find(([id]) => store.objects.get(id)?.kind === "profile") ?? [];
    if (element !== null && isDrawn) element.scrollTop = y - element.clientHeight / 2;
  }, [isDrawn]);

  const onKeyDown = (event: KeyboardEvent): void => {
    const from = current ?? drawing.places[0]?.[0];
    const to = from === undefined ? undefined : neighbour(drawing, from, event.key);
    const place = to === undefined ? undefined : places.get(to);
    if (to === undefined || place === undefined) return;
    event.preventDefault();
    // What is out of sight is not drawn; so it is brought into sight first.
    box.current?.scrollTo({ left: place.x - 200, top: place.y - 200 });
    look();
    setCurrent(to);
    requestAnimationFrame(() =>
      requestAnimationFrame(() => box.current?.querySelector<HTMLElement>("[tabindex='0']")?.focus()),
    );
  };

  const tabStop = current !== undefined && places.has(current) ? current : drawing.places[0]?.[0];
  return (
    <div class="graph" ref={box} onScroll={look} onKeyDown={onKeyDown}>
      <div
        role="group"
        aria-label="Graph; arrow keys lead along its lines"
        class="sheet"
        style={{ width: `${drawing.width}px`, height: `${drawing.height}px` }}
      >
        <Lines drawing={drawing} lit={lit} seen={seen} />
        {drawing.places.map(([id, x, y]) => {
          const object = store.objects.get(id);
          const isSeen = x + NODE.width > seen.left && x < seen.right && y + NODE.height > seen.top && y < seen.bottom;
          if (object === undefined || (!isSeen && id !== tabStop)) return null;
          const gone = object.deletedAt !== undefined;
          const classes = ["node", object.kind, gone ? "gone" : "", lit !== undefined && !lit.has(id) ? "dim" : ""];
          return (
            <button
              key={id}
              type="button"
              class={classes.join(" ")}
              style={{ left: `${x}px`, top: `${y}px` }}
              tabIndex={id === tabStop ? 0 : -1}
              aria-pressed={id === selected}
              aria-label={`${KINDS[object.kind]} ${object.name}, ${object.summary}${gone ? ", deleted" : ""}`}
              data-id={id}
              onFocus={() => setCurrent(id)}
              onClick={() => onSelect(id)}
            >
              <span class="kind">{gone ? "deleted" : KINDS[object.kind]}</span>
              <span class="name">{object.name}</span>
              <span class="summary">{object.summary}</span>
            </button>
          );
        })}
      </div>
    </div>
  );
}

interface LinesProps {
  readonly drawing: Drawing;
  readonly lit: ReadonlySet<string> | undefined;
  readonly seen: Seen;
}

function Lines({ drawing, lit, seen }: LinesProps): JSX.Element {
  return useMemo(() => {
    const places = new Map(drawing.places.map(([id, x, y]) => [id, [x, y] as const]));
    return (
      <svg class="lines" width={drawing.width} height={drawing.height} aria-hidden="true">
        {drawing.edges.map(([from, to]) => {
          const [a, b] = [places.get(from), places.get(to)];
          if (a === undefined || b === undefined) return null;
          const [x1, y1, x2, y2] = [a[0] + NODE.width, a[1] + NODE.height / 2, b[0], b[1] + NODE.height / 2];
          if (Math.max(y1, y2) < seen.top || Math.min(y1, y2) > seen.bottom) return null;
          const bend = Math.max(24, (x2 - x1) / 2);
          const isLit = lit?.has(from) === true && lit.has(to);
          return (
            <path
              key={`${from} ${to}`}
              class={isLit ? "lit" : lit === undefined ? "" : "dim"}
              d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`}
            />
          );
        })}
      </svg>
    );
  }, [drawing, lit, seen]);
}

/** Left and right follow the lines, up and down stay in the column. */
function neighbour({ places, edges }: Drawing, from: string, key: string): string | undefined {
  const [, x = 0, y = 0] = places.find(([id]) => id === from) ?? [];
  switch (key) {
    case "ArrowRight":
      return edges.find(([tail]) => tail === from)?.[1];
    case "ArrowLeft":
      return edges.find(([, head]) => head === from)?.[0];
    case "ArrowDown":
      return places.filter(([, left, top]) => left === x && top > y).sort((a, b) => a[2] - b[2])[0]?.[0];
    case "ArrowUp":
      return places.filter(([, left, top]) => left === x && top < y).sort((a, b) => b[2] - a[2])[0]?.[0];
    default:
      return undefined;
  }
}
