/** The project in force (`Pulumi.yaml`), and what is remembered per user: the selected stack and the backend logged in to. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { messageOf, UserError } from "../errors";
import { isObject, type Properties, type Value } from "../model/values";
import { writeAtomically } from "./backend";

const PROJECT_FILES = ["Pulumi.yaml", "Pulumi.yml", "Pulumi.json"];

export interface Project {
  readonly file: string;
  /** The folder of the project's file. */
  readonly root: string;
  readonly name: string;
  readonly runtime: string;
  readonly runtimeOptions: Properties;
  readonly main: string | undefined;
  readonly backendUrl: string | undefined;
  readonly stackConfigDir: string | undefined;
  /** Values that the project's file gives to every stack. */
  readonly configDefaults: Properties;
}

export function findProject(from: string): Project {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    for (const name of PROJECT_FILES) {
      const file = join(folder, name);
      if (existsSync(file)) return readProject(file);
    }
    if (folder === dirname(folder)) break;
  }
  throw new UserError(`no Pulumi.yaml project file found (searching upwards from ${resolve(from)})`);
}

function text(value: Value | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function readProject(file: string): Project {
  let content: Value;
  try {
    content = parse(readFileSync(file, "utf8")) as Value;
  } catch (error) {
    throw new UserError(`${file} is not valid: ${messageOf(error)}`);
  }
  if (!isObject(content)) throw new UserError(`${file} is empty or not a map.`);
  const { name, runtime, main, backend, stackConfigDir, config } = content as Record<string, Value | undefined>;
  const projectName = text(name);
  const runtimeName = text(isObject(runtime) ? runtime.name : runtime);
  if (projectName === undefined) throw new UserError(`${file} has no "name".`);
  if (runtimeName === undefined) throw new UserError(`${file} has no "runtime".`);
  const options = isObject(runtime) ? runtime.options : undefined;
  return {
    file,
    root: dirname(file),
    name: projectName,
    runtime: runtimeName,
    runtimeOptions: isObject(options) ? options : {},
    main: text(main),
    backendUrl: isObject(backend) ? text(backend.url) : undefined,
    stackConfigDir: text(stackConfigDir) ?? (typeof config === "string" ? config : undefined),
    configDefaults: isObject(config) ? defaultsOf(config) : {},
  };
}

function defaultsOf(config: Properties): Properties {
  const defaults: Properties = {};
  for (const [key, declared] of Object.entries(config)) {
    const value = isObject(declared) ? (declared.value ?? declared.default) : declared;
    if (value !== undefined) defaults[key] = value;
  }
  return defaults;
}

/** The folder the program runs in, and what is run there. */
export function programOf(project: Project): { folder: string; entry: string } {
  if (project.main === undefined) return { folder: project.root, entry: "." };
  const place = resolve(project.root, project.main);
  if (!existsSync(place))
    throw new UserError(`${project.file} names "${project.main}" as main, but there is no ${place}.`);
  return statSync(place).isDirectory()
    ? { folder: place, entry: "." }
    : { folder: dirname(place), entry: basename(place) };
}

function home(env: NodeJS.ProcessEnv): string {
  const own = env.PULUMI_HOME;
  return own !== undefined && own !== "" ? own : join(homedir(), ".pulumi");
}

function readJson(file: string): Record<string, unknown> {
  if (!existsSync(file)) return {};
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  } catch (error) {
    throw new UserError(`${file} is not valid JSON: ${messageOf(error)}`);
  }
}

function workspaceFile(project: Project, env: NodeJS.ProcessEnv): string {
  const hash = createHash("sha1").update(project.file).digest("hex");
  return join(home(env), "workspaces", `${project.name}-${hash}-workspace.json`);
}

export function selectedStack(project: Project, env: NodeJS.ProcessEnv): string | undefined {
  const fromEnv = env.PULUMI_STACK;
  if (fromEnv !== undefined && fromEnv !== "") return fromEnv;
  const { stack } = readJson(workspaceFile(project, env));
  return typeof stack === "string" && stack !== "" ? stack : undefined;
}

export function selectStack(project: Project, stack: string | undefined, env: NodeJS.ProcessEnv): void {
  const file = workspaceFile(project, env);
  writeAtomically(file, JSON.stringify({ ...readJson(file), stack: stack ?? "" }));
}

function credentialsFile(env: NodeJS.ProcessEnv): string {
  return join(env.PULUMI_CREDENTIALS_PATH ?? home(env), "credentials.json");
}

/** The backend: environment, project, the one logged in to, and then the user's home, since nothing else works offline. */
export function backendUrl(project: Project | undefined, env: NodeJS.ProcessEnv): string {
  const fromEnv = env.PULUMI_BACKEND_URL;
  if (fromEnv !== undefined && fromEnv !== "") return fromEnv;
  if (project?.backendUrl !== undefined) return project.backendUrl;
  const { current } = readJson(credentialsFile(env));
  return typeof current === "string" && current !== "" ? current : "file://~";
}

export function rememberLogin(url: string, env: NodeJS.ProcessEnv): void {
  const file = credentialsFile(env);
  const content = readJson(file);
  const tokens = content.accessTokens as Record<string, string> | undefined;
  writeAtomically(
    file,
    JSON.stringify({ ...content, current: url, accessTokens: { ...tokens, [url]: "" } }, undefined, 4),
  );
}

export function forgetLogin(env: NodeJS.ProcessEnv): void {
  const file = credentialsFile(env);
  const { current, accessTokens, ...rest } = readJson(file);
  const tokens = { ...(accessTokens as Record<string, string> | undefined) };
  Reflect.deleteProperty(tokens, String(current));
  if (Object.keys(rest).length === 0 && Object.keys(tokens).length === 0) rmSync(file, { force: true });
  else writeAtomically(file, JSON.stringify({ ...rest, accessTokens: tokens }, undefined, 4));
}
