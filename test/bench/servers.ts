/**
 * Linked servers by the hundred: what a life of a stack takes with one server and with five hundred, on a cloud that
 * answers at once and on one that takes its time, against the floor (as many resources that do nothing, on the same engine)
 * and the ideal (what the calls and the provisioning take when nothing else does).
 */
import { floorOf, lifeOf, plainOf } from "./lives";
import { type Floor, LATENCY_MS, type Life, type Plain, PROVISION_MS } from "./measured";
import { print, readOptions } from "./report";
import { goalsOf } from "./server-goals";
import { tablesOf } from "./server-tables";

/** `--quick`: ten servers with latency, and no floor. */
export async function main(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  const plan = options.quick
    ? { sizes: [10], floors: [], latencies: [LATENCY_MS], bare: [], plain: [] }
    : {
        sizes: [1, 10, 100, 500],
        floors: [1, 10, 100, 500],
        latencies: [0, LATENCY_MS],
        bare: [100, 500],
        plain: [100, 500],
      };
  const plain: Plain[] = [];
  for (const count of plan.plain) plain.push(await plainOf(count));
  const floors: Floor[] = [];
  const bare: Life[] = [];
  // Right after its floor, while the machine is as busy as it was then.
  for (const count of plan.floors) {
    floors.push(await floorOf(count));
    if (plan.bare.includes(count)) bare.push(await lifeOf(count, 0, 0));
  }
  const lives: Life[] = [];
  for (const latencyMs of plan.latencies) {
    for (const count of plan.sizes) lives.push(await lifeOf(count, latencyMs, PROVISION_MS));
  }
  const measured = { lives, bare, floors, plain };
  print(options, { tables: tablesOf(measured), goals: goalsOf(measured) });
}
