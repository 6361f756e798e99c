/** The debug log, switched on by `VPC_IDENTITY_LOG=debug`: one line a call to standard error, never a secret. */
import { redact } from "../core/errors";

export type Log = (line: () => string) => void;

/** A log that writes, or one that does nothing. Lines are made only when they are wanted. */
export function createLog(
  env: NodeJS.ProcessEnv,
  write = (text: string): void => void process.stderr.write(text),
): Log {
  if (env.VPC_IDENTITY_LOG !== "debug") return () => undefined;
  return (line) => {
    write(`vpc-identity debug: ${redact(line())}\n`);
  };
}
