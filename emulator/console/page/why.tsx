/** Why a server may do something, or may not: the link, rule and policy that decide. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Verdict, WhyAnswer, WhyProfile } from "../protocol";
import { askWhy } from "./requests";
import { useStore } from "./store";

/** What people ask for first; the rest follows in the order of the alphabet. */
const COMMON: Readonly<Record<string, string>> = {
  "is.instance.instance.list": "list instances",
  "is.instance.instance.read": "read an instance",
  "is.instance.instance.operate": "start, stop or reboot an instance",
  "is.instance.instance.update": "change an instance",
  "is.instance.instance.delete": "delete an instance",
};
const ASK_AFTER_MS = 150;

interface Props {
  readonly onSelect: (id: string) => void;
}

export function Why({ onSelect }: Props): JSX.Element {
  const store = useStore();
  const servers = store.servers();
  const [chosen, setServer] = useState("");
  const [action, setAction] = useState("is.instance.instance.list");
  const [target, setTarget] = useState("");
  const [answer, setAnswer] = useState<WhyAnswer | { message: string }>();
  const server = servers.some(({ id }) => id === chosen) ? chosen : (servers[0]?.id ?? "");
  useEffect(() => {
    if (server === "") return undefined;
    let isCurrent = true;
    const timer = setTimeout(() => {
      void askWhy(server, action, target).then((found) => {
        if (isCurrent) setAnswer(found);
      });
    }, ASK_AFTER_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [server, action, target, store.objectVersion, store.jumps]);
  if (server === "") {
    return (
      <section class="view" aria-label="Why">
        <p class="empty">No server yet, so there is nobody to ask about.</p>
      </section>
    );
  }
  const others = store.actions.filter((name) => !(name in COMMON));
  return (
    <section class="view" aria-label="Why">
      <div class="question">
        <label>
          May
          <select value={server} onChange={({ currentTarget }) => setServer(currentTarget.value)}>
            {optionsOf(servers)}
          </select>
        </label>
        <label>
          do
          <select value={action} onChange={({ currentTarget }) => setAction(currentTarget.value)}>
            <optgroup label="Common">
              {Object.entries(COMMON).map(([name, words]) => (
                <option key={name} value={name}>
                  {words}
                </option>
              ))}
            </optgroup>
            <optgroup label="All actions">
              {others.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </optgroup>
          </select>
        </label>
        {answer !== undefined && "targets" in answer && answer.targets.length > 0 && (
          <label>
            with
            <select value={answer.target} onChange={({ currentTarget }) => setTarget(currentTarget.value)}>
              {optionsOf(answer.targets)}
            </select>
          </label>
        )}
      </div>
      <div aria-live="polite">{answer !== undefined && <Answer answer={answer} onSelect={onSelect} />}</div>
    </section>
  );
}

const optionsOf = (objects: readonly { readonly id: string; readonly name: string }[]): JSX.Element[] =>
  objects.map(({ id, name }) => (
    <option key={id} value={id}>
      {name}
    </option>
  ));

function Answer({ answer, onSelect }: { answer: WhyAnswer | { message: string } } & Props): JSX.Element {
  if ("message" in answer) return <p class="bad">{answer.message}</p>;
  return (
    <>
      <div class={`card verdict ${answer.allowed ? "yes" : "no"}`}>
        <h2>{answer.allowed ? "Allowed" : "Denied"}</h2>
        <p>{answer.conclusion}</p>
      </div>
      {answer.profiles.map((profile) => (
        <Profile key={profile.id} profile={profile} onSelect={onSelect} />
      ))}
    </>
  );
}

function Profile({ profile, onSelect }: { profile: WhyProfile } & Props): JSX.Element {
  return (
    <div class="card">
      <h3>
        <button type="button" class="plain" onClick={() => onSelect(profile.id)}>
          {profile.name}
        </button>
      </h3>
      <h4>May the server become it?</h4>
      <Verdicts
        verdicts={profile.identity}
        none="No link names the server, and there is no claim rule."
        onSelect={onSelect}
      />
      <h4>May it do that?</h4>
      <Verdicts verdicts={profile.policies} none="It has no policy." onSelect={onSelect} />
    </div>
  );
}

interface VerdictsProps extends Props {
  readonly verdicts: readonly Verdict[];
  readonly none: string;
}

function Verdicts({ verdicts, none, onSelect }: VerdictsProps): JSX.Element {
  if (verdicts.length === 0) return <p class="quiet">{none}</p>;
  return (
    <ul class="verdicts">
      {verdicts.map(({ id, counts, text }) => (
        <li key={id} class={counts ? "yes" : "no"}>
          <span class="mark" aria-hidden="true">
            {counts ? "✓" : "✗"}
          </span>
          <button type="button" class="plain" onClick={() => onSelect(id)}>
            <span class="for-ears">{counts ? "Yes: " : "No: "}</span>
            {text}
          </button>
        </li>
      ))}
    </ul>
  );
}
