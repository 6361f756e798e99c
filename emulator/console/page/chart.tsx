/** Lives of tokens and certificates over time: each bar is one, from its issue to its end. */
import type { JSX } from "preact";
import type { Issue } from "../protocol";
import { duration, timeOfDay } from "./format";

const LANES = ["identity token", "IAM token", "certificate"] as const;
const [WIDTH, LANE, LABELS, TOP] = [720, 26, 104, 6];
const [MINUTE_MS, HOUR_MS] = [60_000, 3_600_000];
/** What lies further back is not shown. */
const PAST_MS = 180 * MINUTE_MS;
const STEPS = [1, 2, 5, 10, 15, 30, 60].map((minutes) => minutes * MINUTE_MS);

export function RenewalChart({ issues, now }: { issues: readonly Issue[]; now: number }): JSX.Element {
  const recent = issues.filter(({ expiresAt }) => expiresAt > now - PAST_MS);
  if (recent.length === 0) return <p class="quiet">Nothing has been issued yet; bars appear with the first token.</p>;
  const from = Math.max(now - PAST_MS, Math.min(...recent.map(({ issuedAt }) => issuedAt)) - MINUTE_MS);
  const to = Math.max(now, ...recent.map(({ expiresAt }) => expiresAt)) + MINUTE_MS;
  const x = (time: number): number => LABELS + ((time - from) / (to - from)) * (WIDTH - LABELS - 8);
  const step = STEPS.find((size) => (to - from) / size <= 8) ?? Math.ceil((to - from) / 8 / HOUR_MS) * HOUR_MS;
  const ticks: number[] = [];
  for (let time = Math.ceil(from / step) * step; time < to; time += step) ticks.push(time);
  const bottom = TOP + LANES.length * LANE;
  const lastOf = (lane: string): Issue | undefined => recent.filter(({ what }) => what === lane).at(-1);
  const told = LANES.map((lane) => {
    const last = lastOf(lane);
    const count = recent.filter(({ what }) => what === lane).length;
    return last === undefined ? `no ${lane}` : `${count} times ${lane}, the last ${duration(now - last.issuedAt)} ago`;
  });
  return (
    <svg class="chart" viewBox={`0 0 ${WIDTH} ${bottom + 22}`} role="img" aria-label={`Renewals: ${told.join("; ")}`}>
      {ticks.map((time) => (
        <g key={time} class="tick">
          <line x1={x(time)} x2={x(time)} y1={TOP} y2={bottom} />
          <text x={x(time)} y={bottom + 15} text-anchor="middle">
            {timeOfDay(time).slice(0, 5)}
          </text>
        </g>
      ))}
      {LANES.map((lane, index) => (
        <g key={lane}>
          <text x={0} y={TOP + index * LANE + 17}>
            {lane}
          </text>
          {recent
            .filter(({ what }) => what === lane)
            .map(({ issuedAt, expiresAt }, bar, all) => (
              <rect
                key={`${issuedAt} ${bar}`}
                class={bar === all.length - 1 && expiresAt > now ? "now" : ""}
                x={Math.max(LABELS, x(issuedAt))}
                y={TOP + index * LANE + 5}
                width={Math.max(2, x(expiresAt) - Math.max(LABELS, x(issuedAt)))}
                height={LANE - 10}
                rx={3}
              >
                <title>{`${lane}: ${timeOfDay(issuedAt)} to ${timeOfDay(expiresAt)}`}</title>
              </rect>
            ))}
        </g>
      ))}
      <line class="present" x1={x(now)} x2={x(now)} y1={0} y2={bottom} />
    </svg>
  );
}
