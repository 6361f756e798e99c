/** The page: a bar with the account and its clock, five views to choose from, and the details of what is chosen. */
import { render, type JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ActionResult } from "../protocol";
import { Detail } from "./detail";
import { FaultsAndTime } from "./faults";
import { dateAndTime } from "./format";
import { MapView } from "./map";
import { onResult } from "./requests";
import { Servers } from "./servers";
import { store, useClock, useStore } from "./store";
import { Timeline } from "./timeline";
import { Why } from "./why";

const VIEWS = { map: "Map", timeline: "Timeline", servers: "Servers", faults: "Faults & time", why: "Why" } as const;
type View = keyof typeof VIEWS;
const NOTICE_MS = 6000;

const viewOf = (hash: string): View => (Object.keys(VIEWS) as View[]).find((name) => `#${name}` === hash) ?? "map";

function Page(): JSX.Element {
  const { connection } = useStore();
  const [view, setView] = useState(() => viewOf(location.hash));
  const [selected, setSelected] = useState<string>();
  const [server, setServer] = useState<string>();
  useEffect(() => {
    const onHash = (): void => setView(viewOf(location.hash));
    addEventListener("hashchange", onHash);
    return () => removeEventListener("hashchange", onHash);
  }, []);
  // Whoever closes the details goes on where they were opened.
  const opener = useRef<Element | null>(null);
  const select = (id: string): void => {
    if (selected === undefined) opener.current = document.activeElement;
    setSelected(id);
  };
  const close = (): void => {
    setSelected(undefined);
    if (opener.current instanceof HTMLElement || opener.current instanceof SVGElement) opener.current.focus();
  };
  const openServer = (id: string): void => {
    setServer(id);
    setSelected(undefined);
    location.hash = "servers";
  };
  return (
    <>
      <Bar view={view} />
      {connection === "lost" && (
        <p class="lost" role="alert">
          The emulator does not answer. What you see is how it was. If it is started again, it prints a new URL.
        </p>
      )}
      <main class={selected === undefined ? "" : "with-detail"}>
        {view === "map" && <MapView selected={selected} onSelect={select} />}
        {view === "timeline" && <Timeline />}
        {view === "servers" && <Servers chosen={server} onChoose={setServer} />}
        {view === "faults" && <FaultsAndTime />}
        {view === "why" && <Why onSelect={select} />}
        {selected !== undefined && <Detail id={selected} onClose={close} onOpenServer={openServer} />}
      </main>
      <Notice />
    </>
  );
}

function Bar({ view }: { view: View }): JSX.Element {
  const { connection, accountId, region } = store;
  const now = useClock();
  return (
    <header>
      <div class="account">
        <h1>Emulated account</h1>
        <span class="mono quiet id">{accountId}</span>
        <span class="quiet">{region}</span>
      </div>
      <div class="state">
        <span class={`dot ${connection === "live" ? "on" : ""}`} aria-hidden="true" />
        <span>{connection}</span>
        <time class="mono">{connection === "connecting" ? "" : `${dateAndTime(now)} UTC`}</time>
      </div>
      <nav aria-label="Views">
        {Object.entries(VIEWS).map(([name, title]) => (
          <a key={name} href={`#${name}`} aria-current={name === view ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
    </header>
  );
}

/** How the last action went; read out by screen readers. */
function Notice(): JSX.Element {
  const [result, setResult] = useState<ActionResult>();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    onResult((found) => {
      setResult(found);
      clearTimeout(timer);
      timer = setTimeout(() => setResult(undefined), NOTICE_MS);
    });
  }, []);
  return (
    <div class={`notice${result === undefined ? "" : result.ok ? " shown" : " shown failed"}`} role="status">
      {result?.message}
    </div>
  );
}

const place = document.getElementById("page");
if (place !== null) {
  place.textContent = "";
  render(<Page />, place);
  store.connect();
}
