/** When the state is written: before a step goes on, and no oftener than a large state can bear. */
import { setTimeout as pause } from "node:timers/promises";
import type { ResourceState } from "../../engine/model/resource";
import { Snapshot } from "../../engine/state/snapshot";

const resource = (name: string): ResourceState => ({
  urn: `urn:pulumi:dev::test::a:b:C::${name}`,
  custom: true,
  type: "a:b:C",
});

interface Disk {
  readonly snapshot: Snapshot;
  /** URNs of the operations that the last write has as under way. */
  readonly written: () => readonly string[];
  /** URNs of the resources that the last write has. */
  readonly kept: () => readonly string[];
  readonly writes: () => number;
}

/** A disk on which each write takes this long, and what was in the last one. */
function slowDisk(writeMs: number): Disk {
  let [writes, written, kept]: [number, string[], string[]] = [0, [], []];
  const snapshot = new Snapshot([], [], (resources, pending) => {
    const end = performance.now() + writeMs;
    while (performance.now() < end);
    writes += 1;
    written = pending.map((operation) => operation.resource.urn);
    kept = resources.map(({ urn }) => urn);
  });
  return { snapshot, written: () => written, kept: () => kept, writes: () => writes };
}

test("a step that begins is on disk before it goes on, however long writes take", async () => {
  const { snapshot, written } = slowDisk(20);
  const steps = Array.from({ length: 30 }, async (_, index) => {
    await pause(index);
    const one = resource(`r${index}`);
    await snapshot.begin("creating", one);
    return written().includes(one.urn);
  });
  expect(await Promise.all(steps)).toEqual(Array.from({ length: 30 }, () => true));
});

test("where a write takes long, steps that come meanwhile share the next one, which leaves as much time for the rest", async () => {
  const { snapshot, writes } = slowDisk(40);
  const started = performance.now();
  const steps: Promise<unknown>[] = [];
  while (performance.now() - started < 800) {
    steps.push(snapshot.begin("creating", resource(`r${steps.length}`)));
    await pause(1);
  }
  await Promise.all(steps);
  // Without the pause in between there would be twenty.
  expect(writes()).toBeLessThanOrEqual((performance.now() - started) / 80 + 2);
  expect(steps.length).toBeGreaterThan(writes());
});

test("a small state is written at once", async () => {
  const { snapshot, writes } = slowDisk(0);
  for (let index = 0; index < 50; index += 1) await snapshot.begin("creating", resource(`r${index}`));
  expect(writes()).toBe(50);
});

test("a step that ends is on disk before what waits for it goes on", async () => {
  const { snapshot, kept } = slowDisk(20);
  const steps = Array.from({ length: 20 }, async (_, index) => {
    const one = resource(`r${index}`);
    const operation = await snapshot.begin("creating", one);
    await pause(index);
    await snapshot.end(operation, { now: one });
    return kept().includes(one.urn);
  });
  expect(await Promise.all(steps)).toEqual(Array.from({ length: 20 }, () => true));
});
