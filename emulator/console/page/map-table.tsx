/** The map in rows: each way by which compute becomes a trusted profile, and what the profile may do. */
import type { JSX } from "preact";
import type { ConsoleObject } from "../protocol";
import { KINDS } from "./format";
import { useStore } from "./store";

const MAX_ROWS = 500;

interface Props {
  readonly selected: string | undefined;
  readonly onSelect: (id: string) => void;
}

export function MapTable({ selected, onSelect }: Props): JSX.Element {
  const { objects } = useStore();
  const present = [...objects.values()].filter(({ deletedAt }) => deletedAt === undefined);
  const of = (kind: ConsoleObject["kind"]): ConsoleObject[] => present.filter((object) => object.kind === kind);
  const cell = (id: string): JSX.Element => {
    const object = objects.get(id);
    return (
      <button type="button" class="plain" aria-pressed={id === selected} onClick={() => onSelect(id)}>
        {object === undefined ? id : object.name}
      </button>
    );
  };
  const policiesOf = (profile: string): ConsoleObject[] =>
    of("policy").filter(({ edges }) => edges.some(([from]) => from === profile));
  const ways = [...of("link"), ...of("claimRule")].flatMap((way) => {
    const profile = way.edges.find(([from]) => from === way.id)?.[1] ?? "";
    const compute = way.edges.filter(([, to]) => to === way.id).map(([from]) => from);
    return (compute.length === 0 ? [undefined] : compute).map((server) => ({ way, profile, server }));
  });
  const used = new Set(ways.flatMap(({ profile, server }) => [profile, server]));
  const alone = present.filter(({ id, kind }) => (kind === "server" || kind === "profile") && !used.has(id));
  return (
    <div class="scroll">
      <table class="rows">
        <caption class="for-ears">Who may become what, and may do what</caption>
        <thead>
          <tr>
            <th scope="col">Who</th>
            <th scope="col">by</th>
            <th scope="col">becomes</th>
            <th scope="col">which may</th>
          </tr>
        </thead>
        <tbody>
          {ways.slice(0, MAX_ROWS).map(({ way, profile, server }) => (
            <tr key={`${way.id} ${server ?? ""}`}>
              <td>{server === undefined ? <span class="quiet">nothing yet</span> : cell(server)}</td>
              <td>
                <span class="quiet">{KINDS[way.kind]}</span> {cell(way.id)}
              </td>
              <td>{cell(profile)}</td>
              <td>
                {policiesOf(profile).map(({ id, summary }) => (
                  <div key={id}>
                    {cell(id)} <span class="quiet">{summary}</span>
                  </div>
                ))}
              </td>
            </tr>
          ))}
          {alone.slice(0, MAX_ROWS).map(({ id, kind }) => (
            <tr key={id}>
              <td>{kind === "server" ? cell(id) : <span class="quiet">nothing</span>}</td>
              <td class="quiet">no link</td>
              <td>{kind === "profile" ? cell(id) : <span class="quiet">nothing</span>}</td>
              <td>
                {policiesOf(id).map((policy) => (
                  <div key={policy.id}>{cell(policy.id)}</div>
                ))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {ways.length > MAX_ROWS && <p class="quiet">{ways.length - MAX_ROWS} more are not shown.</p>}
    </div>
  );
}
