/** Everything there is to know of one object: its JSON, its history, and the calls that touched it. */
import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { ConsoleCall, ConsoleObject } from "../protocol";
import { dateAndTime, KINDS, statusClass, statusText, timeOfDay } from "./format";
import { store, useStore } from "./store";

const MAX_CALLS = 100;

interface Props {
  readonly id: string;
  readonly onClose: () => void;
  readonly onOpenServer: (id: string) => void;
}

/** Calls whose path names the object, that made it, or that it made itself. */
export function touches({ id }: Pick<ConsoleObject, "id">, call: ConsoleCall): boolean {
  return call.made === id || call.caller === id || call.caller === `iam-${id}` || call.path.includes(id);
}

export function Detail({ id, onClose, onOpenServer }: Props): JSX.Element | null {
  const { objects, calls } = useStore();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [id]);
  useEffect(() => {
    const onKey = ({ key }: KeyboardEvent): void => {
      if (key === "Escape") onClose();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [onClose]);
  const object = objects.get(id);
  const touched = useMemo(() => {
    const found = object === undefined ? [] : calls.filter((call) => touches(object, call));
    return { count: found.length, newest: found.slice(-MAX_CALLS).reverse() };
  }, [object, calls]);
  if (object === undefined) return null;
  return (
    <aside class="detail" aria-label="Details">
      <div class="head">
        <p class="kind">{object.deletedAt === undefined ? KINDS[object.kind] : `${KINDS[object.kind]}, deleted`}</p>
        <button type="button" class="plain" aria-label="Close details" onClick={onClose}>
          ✕
        </button>
      </div>
      <h2 tabIndex={-1} ref={heading}>
        {object.name}
      </h2>
      <p class="mono quiet">{object.id}</p>
      {object.kind === "server" && object.deletedAt === undefined && (
        <button type="button" onClick={() => onOpenServer(id)}>
          Open in Servers
        </button>
      )}
      <h3>History</h3>
      {object.history.length === 0 ? (
        <p class="quiet">Nothing has happened to it since the emulator started.</p>
      ) : (
        <ol class="history">
          {[...object.history].reverse().map((line, index) => (
            <li key={index}>
              <time title={dateAndTime(line.time)}>{timeOfDay(line.time)}</time> <strong>{line.event}</strong>
              {line.changes.map((change) => (
                <div key={change} class="mono">
                  {change}
                </div>
              ))}
            </li>
          ))}
        </ol>
      )}
      <h3>Calls that touched it ({touched.count})</h3>
      {touched.count === 0 ? (
        <p class="quiet">None that this page knows of.</p>
      ) : (
        <ol class="history">
          {touched.newest.map((call) => (
            <li key={call.index}>
              <time>{timeOfDay(call.time)}</time>{" "}
              <span class={`status ${statusClass(call.status)}`}>{statusText(call.status)}</span>{" "}
              <span class="mono">
                {call.method} {call.path.split("?")[0]}
              </span>{" "}
              <span class="quiet">by {store.nameOf(call.caller) || "nobody yet"}</span>
            </li>
          ))}
        </ol>
      )}
      <h3>JSON</h3>
      <pre tabIndex={0} aria-label={`JSON of ${object.name}`}>
        {JSON.stringify(object.json, null, 2)}
      </pre>
    </aside>
  );
}
