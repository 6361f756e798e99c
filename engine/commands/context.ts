/** What every command is given. */
import { type Arguments, type Flags } from "./flags";
import { findProject, type Project } from "../state/project";
import { Stack } from "../state/stack";

export interface Context {
  readonly args: Arguments;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly interactive: boolean;
  readonly colour: boolean;
  out(text: string): void;
}

export interface Command {
  readonly usage: string;
  readonly about: string;
  readonly flags: Flags;
  /** How many arguments it takes. */
  readonly arguments: readonly [number, number];
  run(context: Context): Promise<void> | void;
}

export function projectOf(context: Context): Project {
  return findProject(context.cwd);
}

/** The stack that the command is about; an argument of the command comes before --stack. */
export function stackOf(context: Context, name = context.args.text("stack")): Stack {
  return Stack.named(projectOf(context), name, context.env, context.args.text("config-file"));
}
