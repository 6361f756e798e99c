/**
 * A handler from what is particular to a type of resource. What all types share stands here once: which inputs are the
 * user's, when it is still the same object, how a refresh shows drift, and what is kept in the state beside the outputs.
 */
import type { dynamic } from "@pulumi/pulumi";
import { type Rule, isKnown } from "../core/validate";
import { configure, currentSession } from "./connection";
import { InitError, failuresOf, notFoundError } from "./converge";
import { type FieldTable, changedFields, compact, diffByTable, replacingFields, sameValue } from "./diff";
import { isSameObject, markedText } from "./naming";
import { type Placed, accountOf, assertPlace } from "./place";
import { type Timeouts, withinTimeout } from "./timeouts";

type Properties = Readonly<Record<string, unknown>>;

/** What the state holds of every resource beside what the API says. */
export interface Internal {
  readonly mark: string;
  readonly customTimeouts?: Timeouts | undefined;
}

/** What `check` knows when it fills in what the user left out. */
export interface Completion<Inputs> {
  /** The inputs as the user gave them, where anything may be left out. */
  readonly given: Partial<Inputs>;
  /** The inputs that are stored; empty for a new resource. */
  readonly olds: Partial<Inputs>;
  /** Whether it is still the object that the stored inputs describe. */
  readonly same: boolean;
  /** `<logical name>-<hash>`, or Pulumi's sentinel. */
  readonly text: string;
}

/** What is particular to a type of resource. */
export interface Management<Inputs extends Internal, Outputs extends object> {
  /** Judges the user's arguments. */
  readonly rule: Rule;
  /** Inputs that `complete` adds and no user gives. */
  readonly computed?: readonly (keyof Inputs & string)[];
  /** What a change means, in terms of the outputs; a function where the arguments decide that. */
  readonly fields: FieldTable | ((inputs: Partial<Inputs>, olds: Partial<Outputs>) => FieldTable);
  /** Told in every run of the fields in which the program asks for what the object will not get. */
  readonly ignored?: (id: string, olds: Outputs, inputs: Inputs, fields: readonly string[]) => void;
  /** True where another object is made before the old one is deleted. @default - the old one is deleted first */
  readonly createFirst?: (id: string, olds: Outputs, inputs: Inputs) => Promise<boolean>;
  /** The inputs in terms of the outputs; the mark is added. */
  readonly wanted: (inputs: Inputs) => Properties;
  /** Fills in what the user left out, or says what only a call could find to be wrong. */
  readonly complete: (
    inputs: Inputs,
    completion: Completion<Inputs>,
  ) => Inputs | Promise<Inputs | dynamic.CheckFailure[]>;
  /** Fields for which it must be another object, though the table says that they can be changed. */
  readonly alsoReplaces?: (olds: Outputs, inputs: Inputs) => string[];
  readonly create: (inputs: Inputs) => Promise<{ readonly id: string; readonly outputs: Outputs }>;
  readonly update: (id: string, olds: Outputs, inputs: Inputs) => Promise<Outputs>;
  /** Undefined when it is not there. `known` is empty when only the id is known. */
  readonly read: (id: string, known: Partial<Outputs>) => Promise<Outputs | undefined>;
  readonly delete: (id: string, olds: Outputs) => Promise<void>;
  /** The arguments that would say what the outputs say: how a refresh shows a change of somebody else's. */
  readonly inputsOf: (outputs: Outputs) => object;
  /** Where the object is, by what the state says of it. @default - the outputs `crn` and `accountId` */
  readonly placeOf?: (known: Partial<Outputs>) => Placed;
  /** Nobody tells the account of such an object, so the state keeps the one in which it was last seen, as `accountId`. */
  readonly keepsAccount?: true;
  /** The object in messages: `trusted profile "..."`. */
  readonly describe: (id: string) => string;
}

/** Makes the handler. */
export function handlerFor<Inputs extends Internal, Outputs extends object>(
  management: Management<Inputs, Outputs>,
): dynamic.ResourceProvider<Inputs, Outputs> {
  const fieldsFor = (inputs: Partial<Inputs>, olds: Partial<Outputs> = {}): FieldTable =>
    typeof management.fields === "function" ? management.fields(inputs, olds) : management.fields;
  const identity = (inputs: Inputs): Properties => ({ ...management.wanted(inputs), mark: inputs.mark });
  const assertHere = (id: string, known: object): Promise<void> =>
    assertPlace(currentSession(), management.describe(id), management.placeOf?.(known) ?? known);
  // Asked before the work: afterwards a login that fails would keep what was made out of the state.
  const accountNow = async (): Promise<Properties> =>
    management.keepsAccount === true ? { accountId: await accountOf(currentSession()) } : {};
  const stored = (outputs: Outputs, account: Properties, internal: Partial<Internal>): Outputs =>
    compact({ ...outputs, ...account, ...internalOf(internal) });

  return {
    configure,

    check: async (rawOlds, rawNews) => {
      const [olds, news] = [compact<Partial<Inputs>>(rawOlds), compact(rawNews)];
      const own = Object.entries(news).filter(([key]) => management.computed?.includes(key as never) !== true);
      const failures = failuresOf(management.rule, Object.fromEntries(own));
      if (failures.length > 0) return { inputs: news, failures };
      const known = typeof olds.mark === "string" ? (olds as Inputs) : undefined;
      const fields = fieldsFor(news);
      const same = known !== undefined && isSameObject(identity(known), identity(news), fields);
      const marked = { ...news, mark: same ? known.mark : news.mark };
      const text = markedText(identity(marked), replacingFields(fields));
      const completed = await management.complete(marked, { given: marked, olds, same, text });
      return Array.isArray(completed) ? { inputs: news, failures: completed } : { inputs: compact(completed) };
    },

    diff: async (id, rawOlds, rawNews) => {
      const [olds, news] = [compact(rawOlds), compact(rawNews)];
      const [fields, known, wanted] = [fieldsFor(news, olds), { ...(olds as object) }, management.wanted(news)];
      const { changes, replaces = [] } = diffByTable(fields, known, wanted);
      const ignored = changedFields(fields, known, wanted).filter(
        (field) => fields[field]?.change === "ignore" && isKnown(wanted[field]),
      );
      if (ignored.length > 0) management.ignored?.(id, olds, news, ignored);
      const replacing = [...replaces, ...(management.alsoReplaces?.(olds, news) ?? [])];
      // How long a delete may take is read from the outputs, so they have to follow.
      const timed = !sameValue(internalOf(olds).customTimeouts, news.customTimeouts);
      return {
        changes: changes === true || replacing.length > 0 || timed,
        replaces: replacing,
        deleteBeforeReplace: replacing.length === 0 || (await management.createFirst?.(id, olds, news)) !== true,
      };
    },

    create: async (rawInputs) => {
      const inputs = compact(rawInputs);
      const work = withinTimeout(inputs.customTimeouts, "create", async () => {
        const account = await accountNow();
        const { id, outputs } = await management.create(inputs);
        return { id, outs: stored(outputs, account, inputs) };
      });
      return keeping(inputs, work);
    },

    update: async (id, rawOlds, rawNews) => {
      const [olds, inputs] = [compact(rawOlds), compact(rawNews)];
      const work = withinTimeout(inputs.customTimeouts, "update", async () => {
        await assertHere(id, olds);
        const account = await accountNow();
        return { outs: stored(await management.update(id, olds, inputs), account, inputs) };
      });
      return keeping(inputs, work);
    },

    read: async (id, props) => {
      const known = Object.fromEntries(Object.entries(compact(props ?? {})).filter(([key]) => key !== "__provider"));
      const isKnown = Object.keys(known).length > 0;
      await assertHere(id, known);
      const account = await accountNow();
      const live = await management.read(id, known as Partial<Outputs>);
      if (live === undefined) {
        if (!isKnown) throw notFoundError(management.describe(id));
        return {};
      }
      const internal = internalOf(known);
      const result = { id, props: stored(live, account, internal) };
      // Without drift the inputs stay the user's own words. States of the first version keep no mark among the outputs.
      if (
        internal.mark === undefined ||
        !hasDrifted(fieldsFor({}, known as Partial<Outputs>), known, { ...(live as object) })
      )
        return result;
      return { ...result, inputs: compact({ ...management.inputsOf(live), ...internal }) as Inputs };
    },

    delete: async (id, rawProps) => {
      const olds = compact(rawProps);
      await withinTimeout(internalOf(olds).customTimeouts, "delete", async () => {
        await assertHere(id, olds);
        await management.delete(id, olds);
      });
    },
  };
}

function internalOf(properties: object): Partial<Internal> {
  const { mark, customTimeouts } = properties as Partial<Internal>;
  return { ...(mark === undefined ? {} : { mark }), ...(customTimeouts === undefined ? {} : { customTimeouts }) };
}

/** An object that is there but not as it should be is stored like any other. */
async function keeping<T>(inputs: Internal, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof InitError)) throw error;
    throw new InitError(error.id, compact({ ...error.properties, ...internalOf(inputs) }), error.reasons);
  }
}

function hasDrifted(fields: FieldTable, known: Properties, live: Properties): boolean {
  const present = (value: unknown): unknown => (value === "" ? undefined : value);
  return Object.entries(fields).some(([field, rule]) => {
    const [old, now] = [present(known[field]), present(live[field])];
    if (old === undefined || now === undefined) return !sameValue(old, now);
    return !(rule.same ?? sameValue)(old, now);
  });
}
