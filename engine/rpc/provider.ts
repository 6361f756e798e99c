/**
 * The process that runs dynamic resources, and the calls to it. It accepts neither secrets nor resource references, so both are taken
 * out before each call and secrets are marked again in what comes back.
 */
import type * as grpc from "@grpc/grpc-js";
import type * as messages from "@pulumi/pulumi/proto/provider_pb";
import { messageOf, UserError } from "../errors";
import { normalizeProperties } from "../model/assets";
import { type ResourceState } from "../model/resource";
import { parseUrn } from "../model/urn";
import { propertiesForProvider, remarkSecrets, type Properties } from "../model/values";
import { onLines, startNode, type Child } from "./child";
import { childEnvironment } from "./program";
import { fromStruct, CHANNEL_OPTIONS, toStruct, type Protocol } from "./protocol";

export interface CheckFailure {
  readonly property: string;
  readonly reason: string;
}

export interface DiffAnswer {
  readonly changes: "unknown" | "none" | "some";
  readonly replaces: readonly string[];
  readonly deleteBeforeReplace: boolean;
}

export interface Made {
  readonly id: string;
  readonly outputs: Properties;
  /** Why the resource exists but is not as it should be; empty when all is well. */
  readonly initErrors: readonly string[];
}

export interface ReadAnswer {
  /** Empty when the resource is gone. */
  readonly id: string;
  readonly outputs: Properties;
  readonly inputs: Properties | undefined;
  readonly initErrors: readonly string[];
}

export interface ProviderSettings {
  readonly protocol: Protocol;
  readonly folder: string;
  readonly project: string;
  readonly runtimeOptions: Properties;
  /** Where the engine's services listen. */
  readonly address: string;
  readonly env: NodeJS.ProcessEnv;
  readonly onOutput: (line: string) => void;
}

interface Named {
  setUrn(urn: string): unknown;
  setName?: (name: string) => unknown;
  setType?: (type: string) => unknown;
}

/** What the provider's code threw: its own words, without the status that gRPC puts in front. */
class ProviderError extends Error {
  readonly metadata: grpc.Metadata;

  constructor(error: grpc.ServiceError) {
    super(error.details === "" ? error.message : error.details);
    this.metadata = error.metadata;
  }
}

/** Every call names its resource; SDKs before 3.130 know the URN only. */
function named<Request extends Named>(request: Request, urn: string): Request {
  const { name, type } = parseUrn(urn);
  request.setUrn(urn);
  request.setName?.(name);
  request.setType?.(type);
  return request;
}

export class ProviderProcess {
  private constructor(
    private readonly settings: ProviderSettings,
    private readonly child: Child,
    private readonly client: InstanceType<Protocol["providerService"]["ResourceProviderClient"]>,
  ) {}

  static async start(settings: ProviderSettings): Promise<ProviderProcess> {
    const { protocol } = settings;
    const env: NodeJS.ProcessEnv = {
      ...childEnvironment(settings.env),
      PULUMI_CONFIG: "{}",
      PULUMI_NODEJS_PROJECT: settings.project,
      PULUMI_PROJECT: settings.project,
    };
    for (const [key, value] of Object.entries(settings.runtimeOptions))
      env[`PULUMI_RUNTIME_${key.toUpperCase()}`] = typeof value === "string" ? value : JSON.stringify(value);
    const child = startNode([`${protocol.sdk}/cmd/dynamic-provider/index.js`, settings.address], settings.folder, env);
    const port = await new Promise<number>((resolve, reject) => {
      let first = true;
      onLines(child.stdout, (line) => {
        if (!first) settings.onOutput(line);
        else if (/^\d+$/.test(line)) resolve(Number(line));
        else reject(new UserError(`The dynamic provider process printed "${line}" where its port was expected.`));
        first = false;
      });
      onLines(child.stderr, settings.onOutput);
      child.exit.then(
        ({ code, signal }) =>
          reject(
            new UserError(
              `The dynamic provider process ended before it was ready (${signal ?? `exit code ${String(code)}`}).`,
            ),
          ),
        reject,
      );
    });
    const { ResourceProviderClient } = protocol.providerService;
    const client = new ResourceProviderClient(
      `127.0.0.1:${port}`,
      protocol.grpc.credentials.createInsecure(),
      CHANNEL_OPTIONS,
    );
    return new ProviderProcess(settings, child, client);
  }

  private struct(properties: Properties): ReturnType<typeof toStruct> {
    return toStruct(this.settings.protocol, propertiesForProvider(properties));
  }

  private async call<Response>(
    start: (callback: (error: grpc.ServiceError | null, response: Response) => void) => unknown,
  ): Promise<Response> {
    return new Promise<Response>((resolve, reject) => {
      start((error, response) => {
        if (error === null) resolve(response);
        else if (error.code === this.settings.protocol.grpc.status.UNAVAILABLE) reject(this.lost());
        else reject(new ProviderError(error));
      });
    });
  }

  private lost(): UserError {
    const { exitCode, signalCode } = this.child.process;
    const how = signalCode ?? (exitCode === null ? "connection lost" : `exit code ${exitCode}`);
    return new UserError(
      `The dynamic provider process is gone (${how}); whether its last operation happened is not known.`,
    );
  }

  /** `inputs` is the configuration of the stack; secrets stay marked here, since the process takes the marks off itself. */
  async configure(urn: string, id: string, inputs: Properties): Promise<void> {
    const request = named(new this.settings.protocol.provider.ConfigureRequest(), urn);
    request.setArgs(toStruct(this.settings.protocol, inputs));
    request.setId(id);
    request.setAcceptsecrets(true);
    request.setAcceptresources(true);
    await this.call<messages.ConfigureResponse>((done) => this.client.configure(request, done));
  }

  async check(
    urn: string,
    olds: Properties,
    news: Properties,
  ): Promise<{ inputs: Properties; failures: CheckFailure[] }> {
    const request = named(new this.settings.protocol.provider.CheckRequest(), urn);
    request.setOlds(this.struct(olds));
    request.setNews(this.struct(news));
    const response = await this.call<messages.CheckResponse>((done) => this.client.check(request, done));
    return {
      inputs: this.received(response.getInputs(), news),
      failures: response
        .getFailuresList()
        .map((failure) => ({ property: failure.getProperty(), reason: failure.getReason() })),
    };
  }

  async diff(old: ResourceState, news: Properties, ignoreChanges: readonly string[]): Promise<DiffAnswer> {
    const request = named(new this.settings.protocol.provider.DiffRequest(), old.urn);
    request.setId(old.id ?? "");
    request.setOlds(this.struct(old.outputs ?? {}));
    request.setOldInputs(this.struct(old.inputs ?? {}));
    request.setNews(this.struct(news));
    request.setIgnorechangesList([...ignoreChanges]);
    const response = await this.call<messages.DiffResponse>((done) => this.client.diff(request, done));
    const { DIFF_NONE, DIFF_SOME } = this.settings.protocol.provider.DiffResponse.DiffChanges;
    const changes = response.getChanges();
    return {
      changes: changes === DIFF_SOME ? "some" : changes === DIFF_NONE ? "none" : "unknown",
      replaces: response.getReplacesList(),
      deleteBeforeReplace: response.getDeletebeforereplace(),
    };
  }

  async create(urn: string, inputs: Properties, timeoutSeconds: number): Promise<Made> {
    const request = named(new this.settings.protocol.provider.CreateRequest(), urn);
    request.setProperties(this.struct(inputs));
    request.setTimeout(timeoutSeconds);
    try {
      const response = await this.call<messages.CreateResponse>((done) => this.client.create(request, done));
      const id = response.getId();
      if (id === "") throw new UserError("plugin returned empty resource.ID from create");
      return { id, outputs: this.received(response.getProperties(), inputs), initErrors: [] };
    } catch (error) {
      const half = this.halfDone(error, inputs);
      if (half === undefined || half.id === "") throw error;
      return half;
    }
  }

  async update(
    old: ResourceState,
    inputs: Properties,
    ignoreChanges: readonly string[],
    timeoutSeconds: number,
  ): Promise<Made> {
    const request = named(new this.settings.protocol.provider.UpdateRequest(), old.urn);
    request.setId(old.id ?? "");
    request.setOlds(this.struct(old.outputs ?? {}));
    request.setOldInputs(this.struct(old.inputs ?? {}));
    request.setNews(this.struct(inputs));
    request.setIgnorechangesList([...ignoreChanges]);
    request.setTimeout(timeoutSeconds);
    try {
      const response = await this.call<messages.UpdateResponse>((done) => this.client.update(request, done));
      return { id: old.id ?? "", outputs: this.received(response.getProperties(), inputs), initErrors: [] };
    } catch (error) {
      const half = this.halfDone(error, inputs);
      if (half === undefined) throw error;
      return { ...half, id: old.id ?? "" };
    }
  }

  async delete(old: ResourceState, timeoutSeconds: number): Promise<void> {
    const request = named(new this.settings.protocol.provider.DeleteRequest(), old.urn);
    request.setId(old.id ?? "");
    request.setProperties(this.struct(old.outputs ?? {}));
    request.setOldInputs(this.struct(old.inputs ?? {}));
    request.setTimeout(timeoutSeconds);
    await this.call<unknown>((done) => this.client.delete(request, done));
  }

  async read(urn: string, id: string, inputs: Properties, outputs: Properties): Promise<ReadAnswer> {
    const request = named(new this.settings.protocol.provider.ReadRequest(), urn);
    request.setId(id);
    request.setProperties(this.struct(outputs));
    request.setInputs(this.struct(inputs));
    try {
      const response = await this.call<messages.ReadResponse>((done) => this.client.read(request, done));
      const answered = response.getInputs();
      return {
        id: response.getId(),
        outputs: this.received(response.getProperties(), outputs),
        inputs: answered === undefined ? undefined : this.received(answered, inputs),
        initErrors: [],
      };
    } catch (error) {
      const half = this.halfDone(error, outputs);
      if (half === undefined) throw error;
      return { ...half, inputs: undefined };
    }
  }

  private received(struct: Parameters<typeof fromStruct>[0], sent: Properties): Properties {
    return remarkSecrets(normalizeProperties(fromStruct(struct), this.settings.folder), sent);
  }

  /** The details of a resource that was made or changed, but did not get to work. */
  private halfDone(error: unknown, sent: Properties): Made | undefined {
    if (!(error instanceof ProviderError)) return undefined;
    const [details] = error.metadata.get("grpc-status-details-bin");
    if (!(details instanceof Buffer)) return undefined;
    const { status, provider } = this.settings.protocol;
    for (const any of status.Status.deserializeBinary(details).getDetailsList()) {
      const failure = any.unpack(
        (bytes) => provider.ErrorResourceInitFailed.deserializeBinary(bytes),
        "pulumirpc.ErrorResourceInitFailed",
      );
      if (failure === null) continue;
      const reasons = failure.getReasonsList();
      return {
        id: failure.getId(),
        outputs: this.received(failure.getProperties(), sent),
        initErrors: reasons.length > 0 ? reasons : [messageOf(error)],
      };
    }
    return undefined;
  }

  stop(): void {
    this.client.close();
    this.child.process.kill("SIGKILL");
  }
}
