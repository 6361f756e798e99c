/** Deploys what is measured: linked servers on a cloud with or without latency, and as many resources that do nothing. */
import { seededConfig } from "../support/project";
import { type Floor, LIFE, type Life, PARALLEL, type Plain, type RunName } from "./measured";
import { EMPTY_RESOURCES, EMPTY_SERVERS, LINKED_SERVERS, TRUSTED_PROFILES, wishFor } from "./programs";
import { fastest, seconds } from "./report";
import {
  type Cost,
  environmentOf,
  inCloud,
  javaScriptProject,
  type Phase,
  phase,
  run,
  stateOf,
  withStack,
} from "./stack";

/** The usual subnet has no room for so many. */
const SEED = {
  network: { subnets: [{ name: "bench", vpc: "emulator-vpc", zone: "us-south-1", addresses: 1024 }] },
};

/** The first process of all finds nothing in the machine's caches, and others may be at work: of each, the best of so many. */
const ROUNDS = 3;

const progress = (text: string): void => void process.stderr.write(`${text}\n`);

const argsOf = (args: readonly string[]): string[] => [...args, "--parallel", String(PARALLEL)];

export async function lifeOf(count: number, latencyMs: number, provisionMs: number): Promise<Life> {
  const options = { provisionSeconds: provisionMs / 1000, deleteSeconds: provisionMs / 1000, seed: SEED };
  return inCloud(options, async (emulator) => {
    if (latencyMs > 0) emulator.setFaults([{ delayMs: latencyMs, count: 0, where: "cloud" }]);
    const { vpcId, subnetId, zone, imageId } = seededConfig(emulator);
    const wish = wishFor({ count, place: { vpcId, subnetId, zone, imageId } });
    return withStack(javaScriptProject(LINKED_SERVERS, { ...environmentOf(emulator), ...wish }), async (project) => {
      const runs = new Map<RunName, Phase>();
      let state = { userDataBytes: 0, resources: 0 };
      for (const { name, args } of LIFE) {
        const one = await phase(name, project, emulator, argsOf(args));
        runs.set(name, one);
        if (name === "up") state = stateOf(project);
        progress(`${count} servers, ${latencyMs} ms, ${provisionMs} ms: ${name} ${seconds(one.wallMs)} s`);
      }
      return { count, latencyMs, provisionMs, runs, ...state };
    });
  });
}

export async function floorOf(count: number): Promise<Floor> {
  return withStack(javaScriptProject(EMPTY_SERVERS, wishFor({ count })), async (project) => {
    const runs = new Map<RunName, Cost>();
    let state = { bytes: 0, resources: 0 };
    for (const { name, args } of LIFE) {
      const cost = await run(project, [...argsOf(args), "--stack", "dev"]);
      runs.set(name, cost);
      if (name === "up") state = stateOf(project);
      progress(`floor of ${count}: ${name} ${seconds(cost.wallMs)} s`);
    }
    return { count, runs, stateBytes: state.bytes, resources: state.resources };
  });
}

/** In turns, so that neither always runs on the busier machine. */
export async function plainOf(count: number): Promise<Plain> {
  const [floors, profiles]: [Cost[], Phase[]] = [[], []];
  while (profiles.length < ROUNDS) {
    const floor = await upOfEmpty(count);
    const ours = await upOfProfiles(count);
    floors.push(floor);
    profiles.push(ours);
    progress(`${count} profiles: ${seconds(ours.wallMs)} s, ${count} empty resources: ${seconds(floor.wallMs)} s`);
  }
  return { count, floor: fastest(floors), profiles: fastest(profiles) };
}

const upOfEmpty = (count: number): Promise<Cost> =>
  withStack(javaScriptProject(EMPTY_RESOURCES, wishFor({ count })), (project) =>
    run(project, [...argsOf(LIFE[0].args), "--stack", "dev"]),
  );

const upOfProfiles = (count: number): Promise<Phase> =>
  inCloud({}, (emulator) =>
    withStack(javaScriptProject(TRUSTED_PROFILES, { ...environmentOf(emulator), ...wishFor({ count }) }), (project) =>
      phase("up", project, emulator, argsOf(LIFE[0].args)),
    ),
  );
