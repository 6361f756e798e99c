/** A program that lives inside a client of the Automation API: asked to run over gRPC instead of being started. */
import type * as grpc from "@grpc/grpc-js";
import type * as messages from "@pulumi/pulumi/proto/language_pb";
import { type RunningProgram } from "./program";
import { CHANNEL_OPTIONS, type Protocol } from "./protocol";

export interface InlineSettings {
  /** Where the client listens. */
  readonly client: string;
  /** Where the engine's services listen. */
  readonly address: string;
  readonly project: string;
  readonly stack: string;
  readonly folder: string;
  readonly dryRun: boolean;
  readonly parallel: number;
  readonly config: Record<string, string>;
  readonly secretKeys: readonly string[];
}

/** `complained`: resolves when the program has logged an error, which is all that is ever heard of a rejection in there. */
export function runInline(
  protocol: Protocol,
  settings: InlineSettings,
  complained: Promise<undefined>,
): RunningProgram {
  const language = protocol.language();
  const request = new language.RunRequest();
  request.setProject(settings.project);
  request.setStack(settings.stack);
  request.setOrganization("organization");
  request.setPwd(settings.folder);
  request.setProgram(".");
  // The client takes the engine's address from here.
  request.setArgsList([settings.address]);
  request.setMonitorAddress(settings.address);
  request.setDryrun(settings.dryRun);
  request.setParallel(Math.min(settings.parallel, 2 ** 31 - 1));
  const config = request.getConfigMap();
  for (const [key, value] of Object.entries(settings.config)) config.set(key, value);
  request.setConfigsecretkeysList([...settings.secretKeys]);
  const { LanguageRuntimeClient } = protocol.languageService();
  const client = new LanguageRuntimeClient(
    settings.client,
    protocol.grpc.credentials.createInsecure(),
    CHANNEL_OPTIONS,
  );
  let giveUp: () => void = () => undefined;
  const ended = new Promise<{ failed: boolean; message?: string }>((resolve) => {
    giveUp = () => resolve({ failed: true });
    client.run(request, (error: grpc.ServiceError | null, response: messages.RunResponse) => {
      const message = error === null ? response.getError() : error.details;
      resolve(message === "" ? { failed: false } : { failed: true, message });
    });
  });
  return {
    ended: ended.finally(() => client.close()),
    trouble: complained,
    // What such a program waits for after a failure may never come, and nothing can end it: it is left to its client.
    interrupt: () => giveUp(),
  };
}
