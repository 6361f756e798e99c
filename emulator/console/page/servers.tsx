/** The servers: choose one on the left, see and change it on the right. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ConsoleObject, ServerLife, ServerSettings } from "../protocol";
import { RenewalChart } from "./chart";
import { timeLeft } from "./format";
import { act } from "./requests";
import { useClock, useStore } from "./store";

interface Props {
  readonly chosen: string | undefined;
  readonly onChoose: (id: string) => void;
}

export function Servers({ chosen, onChoose }: Props): JSX.Element {
  const store = useStore();
  const [words, setWords] = useState("");
  const all = store.servers();
  const server = all.find(({ id }) => id === chosen) ?? all[0];
  if (server === undefined) {
    return (
      <section class="view" aria-label="Servers">
        <p class="empty">No server yet. It appears here as soon as one is created.</p>
      </section>
    );
  }
  const shown = words === "" ? all : all.filter(({ name }) => name.includes(words));
  return (
    <section class="view split" aria-label="Servers">
      <div class="list">
        {all.length > 12 && (
          <input
            type="search"
            aria-label="Search servers"
            placeholder={`${all.length} servers`}
            value={words}
            onInput={({ currentTarget }) => setWords(currentTarget.value)}
          />
        )}
        <ul>
          {shown.map(({ id, name, summary, json }) => (
            <li key={id}>
              <button type="button" aria-current={id === server.id} onClick={() => onChoose(id)}>
                <span class={`dot ${json.status === "running" ? "on" : ""}`} aria-hidden="true" />
                <span class="name">{name}</span>
                <span class="summary">{summary}</span>
              </button>
            </li>
          ))}
        </ul>
      </div>
      <ServerPanel key={server.id} server={server} life={store.lives.get(server.id)} />
    </section>
  );
}

function ServerPanel({ server, life }: { server: ConsoleObject; life: ServerLife | undefined }): JSX.Element {
  const now = useClock();
  const { json } = server;
  const status = String(json.status);
  const isBareMetal = json.kind === "bare_metal_server";
  const power = (what: "start" | "stop" | "reboot", from: string): JSX.Element => (
    <button type="button" disabled={status !== from} onClick={() => void act({ do: what, server: server.id })}>
      {what.charAt(0).toUpperCase() + what.slice(1)}
    </button>
  );
  return (
    <div class="panel">
      <div class="title">
        <h2>{server.name}</h2>
        <span class="badge">{status}</span>
        <span class="quiet">
          {String(json.profile)} · {String(json.zone)}
        </span>
      </div>
      <div class="buttons" role="group" aria-label="Power">
        {power("start", "stopped")}
        {power("stop", "running")}
        {power("reboot", "running")}
      </div>
      <div class="cards">
        <Metadata server={server.id} settings={settingsOf(json)} withHops={!isBareMetal} />
        <Certificate life={life} now={now} />
        <Tokens life={life} now={now} />
      </div>
      <div class="card">
        <h3>Renewals</h3>
        <RenewalChart issues={life?.issues ?? []} now={now} />
      </div>
      <BootLog lines={life?.bootLog ?? []} />
    </div>
  );
}

function settingsOf(json: ConsoleObject["json"]): ServerSettings {
  const given = json.metadata_service as { enabled: boolean; protocol: "http" | "https"; response_hop_limit?: number };
  const { enabled, protocol, response_hop_limit: hops } = given;
  return { enabled, protocol, ...(hops === undefined ? {} : { responseHopLimit: hops }) };
}

interface MetadataProps {
  readonly server: string;
  readonly settings: ServerSettings;
  readonly withHops: boolean;
}

function Metadata({ server, settings, withHops }: MetadataProps): JSX.Element {
  // Only what was clicked: the rest may have changed since this was drawn, and bare metal servers have no hop limit.
  const change = (part: Partial<ServerSettings>): void => void act({ do: "metadata", server, settings: part });
  return (
    <div class="card">
      <h3>Metadata service</h3>
      <div class="field">
        <span id="metadata-switch">Service</span>
        <button
          type="button"
          role="switch"
          aria-labelledby="metadata-switch"
          aria-checked={settings.enabled}
          onClick={() => change({ enabled: !settings.enabled })}
        >
          {settings.enabled ? "on" : "off"}
        </button>
      </div>
      <div class="field">
        <span id="metadata-protocol">Protocol</span>
        <div class="choice" role="group" aria-labelledby="metadata-protocol">
          {(["http", "https"] as const).map((protocol) => (
            <button
              key={protocol}
              type="button"
              aria-pressed={settings.protocol === protocol}
              onClick={() => change({ protocol })}
            >
              {protocol}
            </button>
          ))}
        </div>
      </div>
      {withHops && (
        <label class="field">
          <span>Hop limit</span>
          <input
            type="number"
            min={1}
            max={64}
            value={settings.responseHopLimit ?? 1}
            onChange={({ currentTarget }) => change({ responseHopLimit: Number(currentTarget.value) })}
          />
        </label>
      )}
    </div>
  );
}

function Certificate({ life, now }: { life: ServerLife | undefined; now: number }): JSX.Element {
  const certificate = life?.certificate;
  return (
    <div class="card">
      <h3>Certificate</h3>
      {certificate === undefined ? (
        <p class="quiet">None issued yet.</p>
      ) : (
        <>
          <Lifetime issuedAt={certificate.issuedAt} expiresAt={certificate.expiresAt} now={now} />
          <dl>
            <div>
              <dt>Subject</dt>
              <dd class="mono">{certificate.subject}</dd>
            </div>
            <div>
              <dt>Issuer</dt>
              <dd class="mono">{certificate.issuer}</dd>
            </div>
            <div>
              <dt>Chain</dt>
              <dd class="mono">{certificate.chain.join(" ← ")}</dd>
            </div>
            <div>
              <dt>Serial</dt>
              <dd class="mono">{certificate.serialNumber}</dd>
            </div>
          </dl>
        </>
      )}
    </div>
  );
}

function Tokens({ life, now }: { life: ServerLife | undefined; now: number }): JSX.Element {
  const tokens = life?.tokens ?? [];
  return (
    <div class="card">
      <h3>Tokens</h3>
      {tokens.length === 0 && <p class="quiet">None issued yet.</p>}
      {tokens.map(({ kind, claims, issuedAt, expiresAt }) => (
        <details key={`${kind} ${String(claims.sub)}`}>
          <summary>
            {kind === "iam" ? `IAM token as ${String(claims.name)}` : "Instance identity token"}
            <Lifetime issuedAt={issuedAt} expiresAt={expiresAt} now={now} />
          </summary>
          <pre tabIndex={0}>{JSON.stringify(claims, null, 2)}</pre>
        </details>
      ))}
    </div>
  );
}

function Lifetime({ issuedAt, expiresAt, now }: { issuedAt: number; expiresAt: number; now: number }): JSX.Element {
  const share = Math.min(1, Math.max(0, (expiresAt - now) / (expiresAt - issuedAt)));
  return (
    <span class="lifetime">
      <meter min={0} max={1} value={share} aria-hidden="true" />
      <span class={expiresAt < now ? "bad" : ""}>{timeLeft(expiresAt, now)}</span>
    </span>
  );
}

function BootLog({ lines }: { lines: readonly string[] }): JSX.Element {
  const box = useRef<HTMLPreElement>(null);
  useEffect(() => {
    if (box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [lines.length]);
  return (
    <div class="card">
      <h3>Boot log</h3>
      {lines.length === 0 ? (
        <p class="quiet">
          No boot has been seen. <code>vpc-identity demo --console</code> and <code>bootInstance()</code> run a server's
          user data, and what it prints is shown here.
        </p>
      ) : (
        <pre class="log" tabIndex={0} ref={box} aria-label="Boot log">
          {lines.join("\n")}
        </pre>
      )}
    </div>
  );
}
