/**
 * The fault table: what goes wrong on the way to an API, and what must hold of a resource after it. After each fault, and
 * at the latest after the next run, there is exactly one object, and it is the one in the state. Each case shows that its
 * fault did happen.
 */
import type { dynamic } from "@pulumi/pulumi";
import { type Cloud, type Fault, Life, type PlannedFault } from "./cloud";

/** What the table needs to know of a type of resource. */
export interface Kind {
  readonly handler: dynamic.ResourceProvider;
  readonly args: () => Record<string, unknown>;
  /** What an update changes; a link has no update. */
  readonly change?: Record<string, unknown>;
  /** Where one is made, and the last part of where one is changed and deleted. */
  readonly collection: () => RegExp;
  readonly object: (life: Life) => RegExp;
  readonly updates?: (life: Life) => RegExp;
  /** Method of a create and of a delete: those of what belongs to an object are changes of that. @default "POST", "DELETE" */
  readonly createMethod?: "PATCH";
  readonly deleteMethod?: "PATCH";
  /** Method of an update. @default "PUT" */
  readonly updateMethod?: "PUT" | "PATCH";
  /** Its changes are sent under the tag of what was seen last, and are tried again when that is refused with 412. */
  readonly ifMatch?: true;
  /** The body of the list that is looked through, while it lags behind. */
  readonly list?: object | undefined;
  /** It lives in another object, which may have been made a moment ago. */
  readonly inParent?: true;
  /** Resource ids of what there is. */
  readonly inventory: () => string[];
}

const CREATE_FAULTS: [string, Fault, number][] = [
  ["429", { status: 429, retryAfter: "0" }, 2],
  ["500", { status: 500 }, 1],
  ["500 although it was done", { status: 500, acted: true }, 1],
  ["503", { status: 503 }, 1],
  ["503 with a time to come back", { status: 503, retryAfter: "0" }, 2],
  ["a connection that is reset before the effect", "lost", 1],
  ["a connection that is reset after the effect", "answer lost", 1],
  ["three connections that are reset after the effect", "answer lost", 3],
  ["an answer that never comes", "answer held", 1],
  ["an answer that makes no sense", { status: 201, body: ["?"], acted: true }, 1],
];
const CHANGE_FAULTS: [string, Fault, number][] = [
  ["429", { status: 429, retryAfter: "0" }, 2],
  ["500", { status: 500 }, 1],
  ["500 although it was done", { status: 500, acted: true }, 1],
  ["503", { status: 503 }, 2],
  ["a connection that is reset before the effect", "lost", 1],
  ["a connection that is reset after the effect", "answer lost", 1],
];

/**
 * A create, and what the engine does after one that failed: where that left an object behind, it keeps and updates it;
 * otherwise nothing is stored, and it tries again.
 */
export async function createdAtLast(handler: dynamic.ResourceProvider, args: Record<string, unknown>): Promise<Life> {
  const life = new Life(handler);
  try {
    return await life.create(args);
  } catch (error) {
    const { id, properties } = error as { id?: string; properties?: Record<string, unknown> };
    if (id === undefined) return new Life(handler).create(args);
    const inputs = (await life.check(args, {})).inputs ?? {};
    return Object.assign(life, { id, inputs, outputs: properties }).update(args);
  }
}

type Test = [name: string, run: () => Promise<void>];

/**
 * The tests for one type of resource; `cloudNow` is asked when they run. Each resolves to what is left when its object has
 * been deleted, which must be nothing.
 */
export function faultCases(cloudNow: () => Cloud, kind: Kind): [name: string, run: () => Promise<string[]>][] {
  const { handler, args, change, list, createMethod = "POST", deleteMethod = "DELETE" } = kind;
  const wanted = (): Record<string, unknown> => ({ ...args(), ...change });
  const fail = (...fault: Parameters<Cloud["fail"]>): PlannedFault => cloudNow().fail(...fault);
  let made: Life | undefined;
  /** A create as the engine tries it, and goes on with in the next run. */
  const create = async (): Promise<Life> => (made = await createdAtLast(handler, args()));
  const isAsWanted = async (life: Life, inputs: Record<string, unknown>): Promise<void> => {
    expect(await life.diff(inputs)).toMatchObject({ changes: false });
    expect(kind.inventory()).toEqual([life.id]);
  };

  const creates = CREATE_FAULTS.map(([name, fault, times]): Test => [
    `is made exactly once despite ${name}`,
    async () => {
      const planned = fail(createMethod, kind.collection(), fault, times);
      const life = await create();
      expect(planned.fired).toBeGreaterThan(0);
      planned.end();
      await isAsWanted(life, args());
    },
  ]);

  const lagging = async (): Promise<void> => {
    const lost = fail("POST", kind.collection(), "answer lost");
    // A type that looks before it creates sees the first of these there.
    const lag = fail("GET", kind.collection(), { status: 200, body: list ?? {} }, 2);
    const life = await create();
    expect([lost.fired, kind.inventory()]).toEqual([1, [life.id]]);
    expect(lag.fired).toBeGreaterThan(0);
    lag.end();
  };

  const parentLagging = async (): Promise<void> => {
    const planned = fail("POST", kind.collection(), { status: 404 }, 2);
    const life = (made = await new Life(handler).create(args()));
    expect([planned.fired, kind.inventory()]).toEqual([2, [life.id]]);
  };

  const updates = CHANGE_FAULTS.map(([name, fault, times]): Test => [
    `is changed exactly as wanted despite ${name}`,
    async () => {
      const life = await create();
      const planned = fail(kind.updateMethod ?? "PUT", (kind.updates ?? kind.object)(life), fault, times);
      await life.update(wanted()).catch(() => life.update(wanted()));
      expect(planned.fired).toBe(times);
      await life.refresh();
      await isAsWanted(life, wanted());
    },
  ]);

  const movedOn = async (): Promise<void> => {
    const life = await create();
    const before = life.outputs.entityTag;
    const twin = Object.assign(new Life(handler), { id: life.id, inputs: life.inputs, outputs: life.outputs });
    await twin.update(wanted());
    await twin.update(args());
    if (before !== undefined) expect(twin.outputs.entityTag).not.toBe(before);
    await life.update(wanted());
    await isAsWanted(life, wanted());
  };

  /** Somebody else was faster, twice; what they changed is none of ours. */
  const stale = async (): Promise<void> => {
    const life = await create();
    const planned = fail("PATCH", (kind.updates ?? kind.object)(life), { status: 412 }, 2);
    await life.update(wanted());
    expect(planned.fired).toBe(2);
    await isAsWanted(life, wanted());
  };

  const deletes = CHANGE_FAULTS.map(([name, fault, times]): Test => [
    `ends despite ${name}`,
    async () => {
      const life = await create();
      const planned = fail(deleteMethod, kind.object(life), fault, times);
      await life.delete().catch(() => life.delete());
      expect([planned.fired, kind.inventory()]).toEqual([times, []]);
    },
  ]);

  const unreadable = async (): Promise<void> => {
    const life = await create();
    const planned = fail("GET", kind.object(life), { status: 500 }, 20);
    await expect(life.refresh()).rejects.toThrow("500");
    expect(planned.fired).toBeGreaterThan(1);
    planned.end();
    expect(await life.refresh()).toBe(true);
  };

  const foreign404 = async (): Promise<void> => {
    const life = await create();
    const planned = fail("GET", kind.object(life), { status: 404, body: { title: "proxy" } });
    await expect(life.refresh()).rejects.toThrow("404");
    expect(planned.fired).toBe(1);
  };

  const cases: Test[] = [
    ...creates,
    ["is made exactly once when the answer is lost and the list lags behind", lagging],
    ["is made although what it lives in is not visible everywhere yet", parentLagging],
    ...updates,
    ["is changed although its tag has moved on for another reason", movedOn],
    ["is changed although its tag is refused with 412, twice", stale],
    ...deletes,
    ["stays in the state when it cannot be read", unreadable],
    ["stays in the state when something in between answers 404 in place of the API", foreign404],
  ];
  const left = [
    ...(list === undefined ? [lagging] : []),
    ...(kind.inParent === true ? [] : [parentLagging]),
    ...(kind.ifMatch === true ? [] : [stale]),
    ...(change === undefined ? [...updates.map(([, test]) => test), movedOn] : []),
  ];
  const ending = (test: () => Promise<void>) => async (): Promise<string[]> => {
    try {
      await test();
    } finally {
      await made?.delete();
      made = undefined;
    }
    return kind.inventory();
  };
  return cases.filter(([, test]) => !left.includes(test)).map(([name, test]) => [name, ending(test)]);
}
