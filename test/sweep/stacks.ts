/** The examples as stacks that can be put back to any earlier moment: the account, the state and the configuration. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Emulator, type Fault, type JournalEntry, startEmulator } from "../../emulator";
import { Api } from "../emulator/support";
import { Example } from "../examples/example";
import { LIVES, valuesOf } from "../examples/lives";
import { settingsOf } from "../examples/readme";
import type { Project } from "../support/project";

export const STACKS: readonly string[] = LIVES.map(({ name }) => name);

/** What is done to a stack, in this order. */
export const PHASES = ["up", "update", "refresh", "destroy"] as const;
export type Phase = (typeof PHASES)[number];

/** Long enough that whoever waits has to look more than once. */
const DURATIONS = { provisionSeconds: 2.2, actionSeconds: 0.5, deleteSeconds: 0.7 };

const ACCOUNT = "account.json";

/** Everything that a run may change, as it was at one moment. */
export interface Moment {
  readonly account: string;
  readonly state: string;
  readonly config: string;
}

/** An example, ready to be deployed. */
export class SweepStack {
  private constructor(
    readonly name: string,
    readonly project: Project,
    private readonly folder: string,
    readonly settings: Readonly<Record<string, string>>,
    readonly change: Readonly<Record<string, string>>,
  ) {}

  static async of(name: string): Promise<SweepStack> {
    const folder = mkdtempSync(join(tmpdir(), "vpc-identity-sweep-"));
    const example = await Example.of(name, { ...DURATIONS, provisionSeconds: 0, stateFile: join(folder, ACCOUNT) });
    const { emulator, project } = example;
    const servers = name === "existing-instances" ? await serversOfOthers(emulator) : [];
    const settings = settingsOf(name, "Run it", valuesOf(example, servers.slice(0, 1)));
    const { change } = LIVES.find((life) => life.name === name) ?? {};
    await emulator.close();
    const changed = change ?? settingsOf(name, "Change it", valuesOf(example, servers));
    return new SweepStack(name, project, folder, settings, changed);
  }

  get #files(): Readonly<Record<keyof Moment, string>> {
    const { folder, cwd } = this.project;
    return {
      account: join(this.folder, ACCOUNT),
      state: join(folder, "state", ".pulumi", "stacks", this.name, "dev.json"),
      config: join(cwd, "Pulumi.dev.yaml"),
    };
  }

  /** The account, as whoever has its keys may use it. */
  open(faults: readonly Fault[], log: (entry: JournalEntry) => void): Promise<Emulator> {
    return startEmulator({ stateFile: this.#files.account, ...DURATIONS, faults, log });
  }

  /** Only while nobody uses the account. */
  moment(): Moment {
    const read = (file: string): string => (existsSync(file) ? readFileSync(file, "utf8") : "");
    const { account, state, config } = this.#files;
    return { account: read(account), state: read(state), config: read(config) };
  }

  restore(moment: Moment): void {
    for (const [name, file] of Object.entries(this.#files)) {
      const text = moment[name as keyof Moment];
      mkdirSync(dirname(file), { recursive: true });
      if (text === "") rmSync(file, { force: true });
      else writeFileSync(file, text);
    }
  }

  remove(): void {
    this.project.remove();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Servers that are there already, for the example that is about these. */
async function serversOfOthers(emulator: Emulator): Promise<string[]> {
  const api = await new Api(emulator).logIn();
  const off = { metadata_service: { enabled: false, protocol: "https", response_hop_limit: 3 } };
  const servers = [await api.server({ name: "first", ...off }), await api.server({ name: "second", ...off })];
  return servers.map(({ id }) => id);
}
