/**
 * What the processes of an operation take, asked of the system while they run: the engine, the program and the dynamic
 * provider, each on its own. Where there is no /proc, nothing is known and nothing is claimed.
 */
import { readFileSync } from "node:fs";

export const ROLES = ["engine", "program", "provider"] as const;

export type Role = (typeof ROLES)[number];

/** The most memory a process ever had, and the processor time it took. */
export interface Use {
  readonly peakBytes: number;
  readonly cpuSeconds: number;
}

export type Uses = Readonly<Partial<Record<Role, Use>>>;

const LOOK_EVERY_MS = 50;
/** In which /proc counts time, on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

const readProcess = (pid: number, file: string): string => readFileSync(`/proc/${pid}/${file}`, "utf8");

function useOf(pid: number): Use {
  const peakKiB = Number(/^VmHWM:\s+(\d+)/m.exec(readProcess(pid, "status"))?.[1] ?? 0);
  // The name of the command, in parentheses, may hold anything.
  const stat = readProcess(pid, "stat");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { peakBytes: peakKiB * 1024, cpuSeconds: ticks / TICKS_PER_SECOND };
}

function roleOf(pid: number): Role | undefined {
  const command = readProcess(pid, "cmdline");
  if (command.includes("/cmd/dynamic-provider")) return "provider";
  return command.includes("/cmd/run") ? "program" : undefined;
}

/** Looks at an engine and its children, from the start until it is told to stop. */
export class EngineWatch {
  private readonly uses: Partial<Record<Role, Use>> = {};
  private readonly roles = new Map<number, Role>();
  private readonly timer: NodeJS.Timeout;

  constructor(private readonly enginePid: number) {
    this.roles.set(enginePid, "engine");
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  stop(): Uses {
    clearInterval(this.timer);
    return this.uses;
  }

  private look(): void {
    try {
      for (const pid of readProcess(this.enginePid, `task/${this.enginePid}/children`).trim().split(" ").map(Number)) {
        const role = this.roles.has(pid) || pid === 0 ? undefined : roleOf(pid);
        if (role !== undefined) this.roles.set(pid, role);
      }
    } catch {
      // It has ended, or this system does not tell.
    }
    for (const [pid, role] of this.roles) {
      try {
        const use = useOf(pid);
        // A process that is ending has no memory any more.
        const peakBytes = Math.max(use.peakBytes, this.uses[role]?.peakBytes ?? 0);
        this.uses[role] = { ...use, peakBytes };
      } catch {
        this.roles.delete(pid);
      }
    }
  }
}

/** Processor time of all processes together. */
export function cpuSecondsOf(uses: Uses): number {
  return Object.values(uses).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
}
