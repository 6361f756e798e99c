/** login, logout, whoami, version and about. */
import { userInfo } from "node:os";
import { FileBackend } from "../state/backend";
import { backendUrl, findProject, forgetLogin, rememberLogin, selectedStack, type Project } from "../state/project";
import { engineVersion } from "../version";
import { type Command, type Context } from "./context";
import { JSON_FLAG } from "./flags";

/** These commands work without a project, too. */
function maybeProject(context: Context): Project | undefined {
  try {
    return findProject(context.cwd);
  } catch {
    return undefined;
  }
}

export const login: Command = {
  usage: "login [url]",
  about: "Choose the backend: file://<folder>, or --local for the home folder",
  flags: {
    local: { kind: "boolean", short: "l", about: "file://~" },
    "cloud-url": { kind: "text", short: "c", about: "The backend's URL" },
    interactive: { kind: "boolean", about: "" },
    "default-org": { kind: "text", about: "" },
    insecure: { kind: "boolean", about: "" },
  },
  arguments: [0, 1],
  run(context) {
    const { args, env } = context;
    const url = args.flag("local")
      ? "file://~"
      : (args.positional[0] ?? args.text("cloud-url") ?? backendUrl(maybeProject(context), env));
    const backend = new FileBackend(url, env);
    rememberLogin(backend.url, env);
    context.out(`Logged in to ${url} as ${userInfo().username} (${backend.url})\n`);
  },
};

export const logout: Command = {
  usage: "logout [url]",
  about: "Forget the backend",
  flags: {
    local: { kind: "boolean", short: "l", about: "" },
    all: { kind: "boolean", short: "a", about: "" },
    "cloud-url": { kind: "text", short: "c", about: "" },
  },
  arguments: [0, 1],
  run(context) {
    const url = backendUrl(maybeProject(context), context.env);
    forgetLogin(context.env);
    context.out(`Logged out of ${url}\n`);
  },
};

export const whoami: Command = {
  usage: "whoami",
  about: "Show the user and the backend",
  flags: { ...JSON_FLAG, verbose: { kind: "boolean", short: "v", about: "Show the backend as well" } },
  arguments: [0, 0],
  run(context) {
    const user = userInfo().username;
    const { url } = new FileBackend(backendUrl(maybeProject(context), context.env), context.env);
    if (context.args.flag("json")) context.out(`${JSON.stringify({ user, url, organizations: [] }, undefined, 2)}\n`);
    else if (context.args.flag("verbose")) context.out(`User: ${user}\nOrganizations:\nBackend URL: ${url}\n`);
    else context.out(`${user}\n`);
  },
};

export const version: Command = {
  usage: "version",
  about: "Print the version",
  flags: {},
  arguments: [0, 0],
  run: (context) => context.out(`${engineVersion}\n`),
};

export const about: Command = {
  usage: "about",
  about: "Describe the engine and where it works",
  flags: JSON_FLAG,
  arguments: [0, 0],
  run(context) {
    const project = maybeProject(context);
    const facts = {
      cliAbout: { version: engineVersion.replace(/^v/, ""), goVersion: "", goCompiler: `node ${process.version}` },
      host: { os: process.platform, arch: process.arch },
      backend: { url: backendUrl(project, context.env), user: userInfo().username },
      ...(project === undefined
        ? {}
        : { currentProject: project.name, currentStack: selectedStack(project, context.env) ?? null }),
    };
    if (context.args.flag("json")) {
      context.out(`${JSON.stringify(facts, undefined, 2)}\n`);
      return;
    }
    context.out(
      `Embedded engine ${engineVersion} (dynamic resources and components of Node.js programs, state in files)\n`,
    );
    context.out(
      `Node.js  ${process.version} on ${process.platform}/${process.arch}\nBackend  ${facts.backend.url} as ${facts.backend.user}\n`,
    );
    if (project !== undefined) context.out(`Project  ${project.name} (${project.file})\n`);
  },
};
