/** Every call in order. Only the rows in sight exist; so thousands of them cost no more than a screenful. */
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ConsoleCall, ObjectKind } from "../protocol";
import { touches } from "./detail";
import { dateAndTime, KINDS, statusClass, statusText, timeOfDay } from "./format";
import { store, useStore } from "./store";

const ROW_PX = 30;
const OVERSCAN = 8;

const STATUSES: Readonly<Record<string, (status: number) => boolean>> = {
  "any status": () => true,
  "2xx and 3xx": (status) => status >= 200 && status < 400,
  "4xx": (status) => status >= 400 && status < 500,
  "5xx": (status) => status >= 500,
  "no answer": (status) => status === 0,
};

export function Timeline(): JSX.Element {
  const { calls } = useStore();
  const [words, setWords] = useState("");
  const [resource, setResource] = useState("");
  const [status, setStatus] = useState("any status");
  const [chosen, setChosen] = useState<ConsoleCall>();
  const rows = useMemo(() => {
    const sought = words.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = STATUSES[status] ?? (() => true);
    return calls.filter(
      (call) =>
        fits(call.status) &&
        (resource === "" || touches({ id: resource }, call)) &&
        (sought.length === 0 || sought.every((word) => textOf(call).includes(word))),
    );
  }, [calls, words, resource, status]);
  return (
    <section class="view" aria-label="Timeline">
      <div class="toolbar filters">
        <label>
          Search
          <input
            type="search"
            placeholder="path, caller, trace"
            value={words}
            onInput={({ currentTarget }) => setWords(currentTarget.value)}
          />
        </label>
        <label>
          Resource
          <select value={resource} onChange={({ currentTarget }) => setResource(currentTarget.value)}>
            <option value="">all</option>
            {(Object.keys(KINDS) as ObjectKind[]).map((kind) => (
              <Resources key={kind} kind={kind} />
            ))}
          </select>
        </label>
        <label>
          Status
          <select value={status} onChange={({ currentTarget }) => setStatus(currentTarget.value)}>
            {Object.keys(STATUSES).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <p class="hint count">
          {rows.length} of {calls.length} calls
        </p>
      </div>
      {rows.length === 0 ? (
        <p class="empty">{calls.length === 0 ? "No call has been made yet." : "No call fits the filter."}</p>
      ) : (
        <Rows rows={rows} chosen={chosen} onChoose={setChosen} />
      )}
      {chosen !== undefined && <CallFacts call={chosen} onClose={() => setChosen(undefined)} />}
    </section>
  );
}

/** What is deleted can still be looked for. */
function Resources({ kind }: { kind: ObjectKind }): JSX.Element | null {
  const found = store.ofKind(kind);
  if (found.length === 0) return null;
  return (
    <optgroup label={KINDS[kind]}>
      {found.map(({ id, name, deletedAt }) => (
        <option key={id} value={id}>
          {deletedAt === undefined ? name : `${name}, deleted`}
        </option>
      ))}
    </optgroup>
  );
}

const textOf = ({ method, path, caller, requestId, status }: ConsoleCall): string =>
  `${method} ${path} ${caller} ${store.nameOf(caller)} ${requestId} ${statusText(status)}`.toLowerCase();

interface RowsProps {
  readonly rows: readonly ConsoleCall[];
  readonly chosen: ConsoleCall | undefined;
  readonly onChoose: (call: ConsoleCall) => void;
}

function Rows({ rows, chosen, onChoose }: RowsProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  // Whoever is at the end stays there when more calls come.
  const isFollowing = useRef(true);
  useEffect(() => {
    const { current: element } = box;
    if (element === null) return;
    // A row that has the focus must not be scrolled away from under it.
    const isReading = element !== document.activeElement && element.contains(document.activeElement);
    if (isFollowing.current && !isReading) element.scrollTop = element.scrollHeight;
    setView({ top: element.scrollTop, height: element.clientHeight });
  }, [rows]);
  const onScroll = (): void => {
    const { current: element } = box;
    if (element === null) return;
    isFollowing.current = element.scrollTop + element.clientHeight >= element.scrollHeight - ROW_PX;
    setView({ top: element.scrollTop, height: element.clientHeight });
  };
  const first = Math.max(0, Math.floor(view.top / ROW_PX) - OVERSCAN);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / ROW_PX) + OVERSCAN);
  return (
    <div class="timeline" role="table" aria-label="Calls" aria-rowcount={rows.length + 1}>
      <div class="call heading" role="row" aria-rowindex={1}>
        {["Time", "Status", "Call", "Caller", "ms", "Trace"].map((name) => (
          <span key={name} role="columnheader">
            {name}
          </span>
        ))}
      </div>
      <div class="body" role="rowgroup" ref={box} onScroll={onScroll} tabIndex={0} aria-label="Calls, newest last">
        <div class="sheet" style={{ height: `${rows.length * ROW_PX}px` }}>
          {rows.slice(first, last).map((call, index) => (
            <div
              key={call.index}
              class={`call${call === chosen ? " chosen" : ""}`}
              role="row"
              aria-rowindex={first + index + 2}
              style={{ top: `${(first + index) * ROW_PX}px` }}
              onClick={() => onChoose(call)}
            >
              <span role="cell" class="mono quiet">
                {timeOfDay(call.time)}
              </span>
              <span role="cell" class={`status ${statusClass(call.status)}`}>
                {statusText(call.status)}
              </span>
              <span role="cell" class="mono path">
                <button type="button" class="plain">
                  <b>{call.method}</b> {call.path}
                </button>
              </span>
              <span role="cell" class="caller">
                {store.nameOf(call.caller)}
              </span>
              <span role="cell" class="number">
                {call.milliseconds}
              </span>
              <span role="cell" class="mono quiet trace">
                {call.requestId}
              </span>
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

function CallFacts({ call, onClose }: { call: ConsoleCall; onClose: () => void }): JSX.Element {
  const facts = {
    Time: dateAndTime(call.time),
    Call: `${call.method} ${call.path}`,
    Status: statusText(call.status),
    Caller: `${store.nameOf(call.caller)}${call.caller === store.nameOf(call.caller) ? "" : ` (${call.caller})`}`,
    API: call.api,
    Took: `${call.milliseconds} ms`,
    Trace: call.requestId,
    ...(call.made === undefined ? {} : { Made: call.made }),
  };
  return (
    <div class="card call-facts" role="region" aria-label="Chosen call">
      <button type="button" class="plain close" aria-label="Close the chosen call" onClick={onClose}>
        ✕
      </button>
      <dl>
        {Object.entries(facts).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd class="mono">{value === "" ? "-" : value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
