/** One stack with everything around it: its files, its configuration, its secrets. */
import { join } from "node:path";
import { EXIT, UserError } from "../errors";
import { FileBackend, type StackName } from "./backend";
import {
  decodeDeployment,
  emptyDeployment,
  Encoder,
  parseCheckpoint,
  sealingOf,
  type Deployment,
  type RawDeployment,
} from "./checkpoint";
import { backendUrl, selectedStack, type Project } from "./project";
import { newCrypter, openCrypter, passphrase, type Crypter } from "./secrets";
import { StackConfig } from "./stack-config";

/** Splits `dev`, `organization/dev` and `organization/project/dev`. */
export function parseStackName(text: string, project: string): StackName {
  const parts = text.split("/");
  const stack = parts[parts.length - 1] ?? "";
  if (parts.length > 3 || !/^[A-Za-z0-9_.-]{1,100}$/.test(stack)) {
    throw new UserError(
      `"${text}" is not a stack name; allowed are up to 100 letters, digits, hyphens, underscores and periods, optionally after organization/ and a project's name.`,
    );
  }
  if (parts.length > 1 && parts[0] !== "organization") {
    throw new UserError(
      `"${text}" names the organization "${parts[0] ?? ""}", but file backends know "organization" only.`,
    );
  }
  return { project: parts.length === 3 ? (parts[1] ?? project) : project, stack };
}

export class Stack {
  readonly backend: FileBackend;

  constructor(
    readonly project: Project,
    readonly name: StackName,
    private readonly env: NodeJS.ProcessEnv,
    configFile?: string,
  ) {
    if (name.project !== project.name) {
      throw new UserError(
        `The stack belongs to the project "${name.project}", but ${project.file} is the project "${project.name}".`,
      );
    }
    this.backend = new FileBackend(backendUrl(project, env), env);
    this.configFile = configFile ?? join(project.root, project.stackConfigDir ?? "", `Pulumi.${name.stack}.yaml`);
  }

  private readonly configFile: string;

  /** The stack named, or the selected one. */
  static named(project: Project, name: string | undefined, env: NodeJS.ProcessEnv, configFile?: string): Stack {
    const chosen = name ?? selectedStack(project, env);
    if (chosen === undefined) {
      throw new UserError(
        "no stack selected; please use `pulumi stack select` or `pulumi stack init` to choose one, or pass --stack",
        EXIT.noStack,
      );
    }
    return new Stack(project, parseStackName(chosen, project.name), env, configFile);
  }

  /** As it stands in the state file. */
  get qualifiedName(): string {
    return `organization/${this.name.project}/${this.name.stack}`;
  }

  get config(): StackConfig {
    return new StackConfig(this.configFile, this.project.name, this.project.configDefaults);
  }

  private missing(): UserError {
    return new UserError(`no stack named '${this.name.stack}' found`, EXIT.noStack);
  }

  requireExisting(): this {
    if (!this.backend.exists(this.name)) throw this.missing();
    return this;
  }

  crypterFor(salt: string): Crypter {
    return openCrypter(salt, () => passphrase(this.env));
  }

  /** The secrets of this stack's configuration; a stack without a salt gets one. */
  crypter(): Crypter {
    const { config } = this;
    if (config.salt !== undefined) return this.crypterFor(config.salt);
    const inState = this.backend.exists(this.name) ? this.load().salt : undefined;
    const crypter = inState === undefined ? newCrypter(passphrase(this.env)) : this.crypterFor(inState);
    config.setSalt(crypter.salt);
    config.save();
    return crypter;
  }

  raw(): RawDeployment & { file: string } {
    const found = this.backend.readState(this.name);
    if (found === undefined) throw this.missing();
    return { ...parseCheckpoint(found.text, found.file), file: found.file };
  }

  load(): Deployment {
    const raw = this.raw();
    return raw.latest === undefined
      ? emptyDeployment
      : decodeDeployment(raw, raw.file, (salt) => this.crypterFor(salt));
  }

  /** Makes the stack: an empty state, and a salt in its configuration. */
  create(): void {
    if (this.backend.exists(this.name)) throw new UserError(`stack '${this.qualifiedName}' already exists`);
    const release = this.backend.lock(this.name);
    try {
      const crypter = this.crypter();
      this.backend.writeState(this.name, JSON.stringify({ version: 0, checkpoint: { stack: this.qualifiedName } }));
      this.save({ ...emptyDeployment, salt: crypter.salt }, crypter);
    } finally {
      release();
    }
  }

  save(deployment: Deployment, crypter: Crypter): void {
    const text = new Encoder(sealingOf(crypter)).checkpoint(
      this.qualifiedName,
      deployment.resources,
      deployment.pending,
    );
    this.backend.writeState(this.name, text);
  }

  /** Changes the state by hand, under the lock. */
  edit(change: (deployment: Deployment) => Deployment): void {
    this.requireExisting();
    const release = this.backend.lock(this.name);
    try {
      this.save(change(this.load()), this.crypter());
    } finally {
      release();
    }
  }
}
