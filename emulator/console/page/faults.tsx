/** Faults by route, and the clock: what goes wrong, and when. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { ConsoleFault, RouteName } from "../protocol";
import { dateAndTime, timeLeft } from "./format";
import { act } from "./requests";
import { useClock, useStore } from "./store";

type Effect = Omit<ConsoleFault["fault"], "method" | "path" | "where" | "count">;

/** What can go wrong, in words. */
const EFFECTS: Readonly<Record<string, Effect>> = {
  "answers 500": { status: 500 },
  "answers 503, Retry-After 1": { status: 503, retryAfterSeconds: 1 },
  "answers 429, Retry-After 2": { status: 429, retryAfterSeconds: 2 },
  "answers 401": { status: 401 },
  "answers 403": { status: 403 },
  "takes 2 seconds longer": { delayMs: 2000 },
  "never answers": { hang: "before" },
  "resets the connection": { reset: "before" },
  "takes effect, but the answer is lost": { reset: "after" },
  "cuts the answer in half": { body: "truncated" },
};
const COUNTS: Readonly<Record<string, number>> = { "until switched off": 0, once: 1, "3 times": 3, "10 times": 10 };
const JUMPS: Readonly<Record<string, number>> = {
  "1 min": 60,
  "10 min": 600,
  "40 min": 2400,
  "1 h": 3600,
  "1 day": 86_400,
};

export function FaultsAndTime(): JSX.Element {
  return (
    <section class="view columns" aria-label="Faults and time">
      <Time />
      <Faults />
    </section>
  );
}

function Time(): JSX.Element {
  const { lives, objects } = useStore();
  const now = useClock();
  const [minutes, setMinutes] = useState(90);
  const jump = (seconds: number): void => void act({ do: "advance", seconds });
  const ends = [...lives.values()]
    .flatMap(({ id, tokens, certificate }) => [
      ...tokens.map(({ kind, expiresAt }) => ({
        id,
        what: kind === "iam" ? "IAM token" : "identity token",
        expiresAt,
      })),
      ...(certificate === undefined ? [] : [{ id, what: "certificate", expiresAt: certificate.expiresAt }]),
    ])
    .filter(({ id, what }) => what !== "identity token" && objects.get(id)?.deletedAt === undefined)
    .sort((a, b) => a.expiresAt - b.expiresAt)
    .slice(0, 8);
  return (
    <div class="card">
      <h2>Time</h2>
      <p class="clock">
        <time>{dateAndTime(now)}</time> <span class="quiet">UTC, the emulator's clock</span>
      </p>
      <div class="buttons" role="group" aria-label="Jump forward by">
        {Object.entries(JUMPS).map(([name, seconds]) => (
          <button key={name} type="button" onClick={() => jump(seconds)}>
            + {name}
          </button>
        ))}
      </div>
      <form
        class="field"
        onSubmit={(event) => {
          event.preventDefault();
          jump(minutes * 60);
        }}
      >
        <label>
          Minutes
          <input
            type="number"
            min={1}
            max={1_000_000}
            value={minutes}
            onInput={({ currentTarget }) => setMinutes(Number(currentTarget.value))}
          />
        </label>
        <button type="submit">Jump</button>
      </form>
      <h3>What ends next</h3>
      {ends.length === 0 ? (
        <p class="quiet">No server has a token or a certificate yet.</p>
      ) : (
        <ul class="ends">
          {ends.map(({ id, what, expiresAt }) => (
            <li key={`${id} ${what} ${expiresAt}`}>
              <span>
                {what} of {objects.get(id)?.name ?? id}
              </span>
              <span class={expiresAt < now ? "bad" : "quiet"}>{timeLeft(expiresAt, now)}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

const keyOf = ({ method, path, where }: RouteName): string => `${method} ${path} ${where}`;

function Faults(): JSX.Element {
  const { faults, routes } = useStore();
  return (
    <div class="card">
      <h2>Faults</h2>
      <AddFault routes={routes} />
      {faults.length === 0 ? (
        <p class="quiet">Nothing goes wrong on purpose.</p>
      ) : (
        <ul class="faults">
          {faults.map((fault) => (
            <FaultRow key={fault.id} {...fault} />
          ))}
        </ul>
      )}
    </div>
  );
}

function AddFault({ routes }: { routes: readonly RouteName[] }): JSX.Element {
  const [chosen, setRoute] = useState("");
  const [effect, setEffect] = useState("answers 500");
  const [count, setCount] = useState("until switched off");
  const add = (event: Event): void => {
    event.preventDefault();
    const found = routes.find((one) => keyOf(one) === chosen);
    const place = found === undefined ? {} : { method: found.method, path: found.path, where: found.where };
    void act({ do: "addFault", fault: { ...place, ...EFFECTS[effect], count: COUNTS[count] ?? 0 } });
  };
  return (
    <form class="add-fault" onSubmit={add}>
      <label>
        Route
        <select value={chosen} onChange={({ currentTarget }) => setRoute(currentTarget.value)}>
          <option value="">every call</option>
          {(["server", "cloud"] as const).map((where) => (
            <optgroup key={where} label={where === "server" ? "On servers: identity and metadata" : "In the cloud"}>
              {routes
                .filter((one) => one.where === where)
                .map((one) => (
                  <option key={keyOf(one)} value={keyOf(one)}>
                    {one.method} {one.path}
                  </option>
                ))}
            </optgroup>
          ))}
        </select>
      </label>
      <label>
        Effect
        <select value={effect} onChange={({ currentTarget }) => setEffect(currentTarget.value)}>
          {Object.keys(EFFECTS).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label>
        How often
        <select value={count} onChange={({ currentTarget }) => setCount(currentTarget.value)}>
          {Object.keys(COUNTS).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <button type="submit" class="primary">
        Add fault
      </button>
    </form>
  );
}

function FaultRow({ id, fault, on, struck }: ConsoleFault): JSX.Element {
  const { method, path, where, count, ...effect } = fault;
  const route = `${method ?? "every call"}${path === undefined ? "" : ` ${path}`}`;
  const told = Object.entries(effect).map(([name, value]) => `${name} ${String(value)}`);
  const place = where === undefined ? "" : where === "server" ? "on servers, " : "in the cloud, ";
  const times = count ?? 1;
  const left = times === 0 ? "without end" : `${times} times`;
  const isUsedUp = times > 0 && struck >= times;
  const strikes = on && !isUsedUp;
  // Several faults may be on one route.
  const title = `${told.join(", ")} on ${route}`;
  return (
    <li>
      <button
        type="button"
        role="switch"
        aria-checked={strikes}
        aria-label={`Fault ${title}`}
        onClick={() => void act({ do: "switchFault", id, on: !strikes })}
      >
        {strikes ? "on" : "off"}
      </button>
      <div class="what">
        <span class="mono">{route}</span>
        <span class="quiet">
          {place}
          {told.join(", ")}, {left}, struck {struck}
          {isUsedUp ? ", used up" : ""}
        </span>
      </div>
      <button
        type="button"
        class="plain"
        aria-label={`Remove fault ${title}`}
        onClick={() => void act({ do: "removeFault", id })}
      >
        ✕
      </button>
    </li>
  );
}
