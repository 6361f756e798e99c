/** The services that the program talks to: the resource monitor and the engine's log. One server carries both. */
import type * as grpc from "@grpc/grpc-js";
import type * as engineMessages from "@pulumi/pulumi/proto/engine_pb";
import type * as providerMessages from "@pulumi/pulumi/proto/provider_pb";
import type * as messages from "@pulumi/pulumi/proto/resource_pb";
import { messageOf } from "../errors";
import { type Properties } from "../model/values";
import { type Severity } from "../display/reporter";
import { fromStruct, CHANNEL_OPTIONS, toStruct, type Protocol, type StatusName } from "./protocol";

/** What registrations lead to; everything but the messages themselves. */
export interface MonitorHandlers {
  register(
    request: messages.RegisterResourceRequest,
  ): Promise<{ urn: string; id: string; outputs: Properties; skipped: boolean; failed: boolean }>;
  read(request: messages.ReadResourceRequest): Promise<{ urn: string; outputs: Properties }>;
  outputs(urn: string, outputs: Properties): Promise<void>;
  invoke(token: string, args: Properties): Promise<Properties>;
  stackTransform(target: string, token: string): void;
  hook(hook: { name: string; target: string; token: string; onDryRun: boolean; ignoreErrors: boolean }): void;
  log(severity: Severity, urn: string, message: string, ephemeral: boolean): void;
  /** Resolves when the program may end. */
  shutdown(): Promise<void>;
}

/** Features by the number that both ways of asking for them share. */
const FEATURES: readonly { name: string; id: number; supported: boolean }[] = [
  { name: "secrets", id: 0, supported: true },
  { name: "resourceReferences", id: 1, supported: true },
  { name: "outputValues", id: 2, supported: false },
  { name: "aliasSpecs", id: 3, supported: true },
  { name: "replacementTrigger", id: 4, supported: true },
  { name: "deletedWith", id: 5, supported: true },
  { name: "replaceWith", id: 6, supported: true },
  { name: "transforms", id: 7, supported: true },
  { name: "resourceHooks", id: 10, supported: true },
];

export interface DeploymentSettings {
  readonly project: string;
  readonly stack: string;
  readonly dryRun: boolean;
  readonly parallel: number;
  readonly config: Record<string, string>;
  readonly secretKeys: readonly string[];
}

/** Thrown by handlers to end a call with a status of gRPC. */
export class StatusError extends Error {
  constructor(
    readonly status: StatusName,
    message: string,
  ) {
    super(message);
    this.name = "StatusError";
  }
}

function unary<Request, Response>(
  protocol: Protocol,
  answer: (request: Request) => Promise<Response> | Response,
): grpc.handleUnaryCall<Request, Response> {
  return (call, callback) => {
    Promise.resolve()
      .then(() => answer(call.request))
      .then(
        (response) => callback(null, response),
        (error: unknown) => {
          const name = error instanceof StatusError ? error.status : "UNKNOWN";
          callback({ code: protocol.grpc.status[name], details: messageOf(error) });
        },
      );
  };
}

const SEVERITIES: readonly Severity[] = ["debug", "info", "warning", "error"];

export class MonitorServer {
  private readonly server: grpc.Server;
  private rootUrn = "";

  constructor(
    private readonly protocol: Protocol,
    private readonly settings: DeploymentSettings,
    private readonly handlers: MonitorHandlers,
  ) {
    this.server = new protocol.grpc.Server(CHANNEL_OPTIONS);
  }

  /** Listens on a free port of the loopback; resolves with its address. */
  async listen(): Promise<string> {
    this.addService(this.protocol.resourceService.ResourceMonitorService, this.monitorMethods());
    this.addService(this.protocol.engineService.EngineService, this.engineMethods());
    return new Promise((resolve, reject) => {
      this.server.bindAsync("127.0.0.1:0", this.protocol.grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(`127.0.0.1:${port}`);
        else reject(error);
      });
    });
  }

  close(): void {
    this.server.forceShutdown();
  }

  private addService(service: grpc.ServiceDefinition, methods: grpc.UntypedServiceImplementation): void {
    const missing = unary(this.protocol, (): never => {
      throw new StatusError("UNIMPLEMENTED", "not in the embedded engine; install Pulumi to deploy this program");
    });
    const all = Object.keys(service).map((name) => [name, methods[name] ?? missing] as const);
    this.server.addService(service, Object.fromEntries(all));
  }

  private monitorMethods(): grpc.UntypedServiceImplementation {
    const { resource, empty, provider, struct } = this.protocol;
    const { handlers } = this;
    return {
      supportsFeature: unary(this.protocol, (request: messages.SupportsFeatureRequest) => {
        const response = new resource.SupportsFeatureResponse();
        response.setHassupport(FEATURES.some((feature) => feature.name === request.getId() && feature.supported));
        return response;
      }),
      getDeploymentInfo: unary(this.protocol, () => this.deploymentInfo()),
      registerResource: unary(this.protocol, async (request: messages.RegisterResourceRequest) => {
        const { urn, id, outputs, skipped, failed } = await handlers.register(request);
        const response = new resource.RegisterResourceResponse();
        response.setUrn(urn);
        response.setId(id);
        response.setObject(toStruct(this.protocol, outputs));
        if (failed) response.setResult(resource.Result.FAIL);
        // Known to SDKs since 3.250 only; older ones take missing outputs as unknown in a preview anyway.
        if (skipped) (response as { setUnknown?: (unknown: boolean) => void }).setUnknown?.(true);
        return response;
      }),
      readResource: unary(this.protocol, async (request: messages.ReadResourceRequest) => {
        const { urn, outputs } = await handlers.read(request);
        const response = new resource.ReadResourceResponse();
        response.setUrn(urn);
        response.setProperties(toStruct(this.protocol, outputs));
        return response;
      }),
      registerResourceOutputs: unary(this.protocol, async (request: messages.RegisterResourceOutputsRequest) => {
        await handlers.outputs(request.getUrn(), fromStruct(request.getOutputs()));
        return new empty.Empty();
      }),
      invoke: unary(
        this.protocol,
        async (request: messages.ResourceInvokeRequest): Promise<providerMessages.InvokeResponse> => {
          const response = new provider.InvokeResponse();
          const result = await handlers.invoke(request.getTok(), fromStruct(request.getArgs()));
          response.setReturn(struct.Struct.fromJavaScript(result));
          return response;
        },
      ),
      registerStackTransform: unary(this.protocol, (request: { getTarget(): string; getToken(): string }) => {
        handlers.stackTransform(request.getTarget(), request.getToken());
        return new empty.Empty();
      }),
      registerResourceHook: unary(this.protocol, (request: messages.RegisterResourceHookRequest) => {
        const callback = request.getCallback();
        handlers.hook({
          name: request.getName(),
          target: callback?.getTarget() ?? "",
          token: callback?.getToken() ?? "",
          onDryRun: request.getOnDryRun(),
          ignoreErrors: "getIgnoreErrors" in request && request.getIgnoreErrors(),
        });
        return new empty.Empty();
      }),
      signalAndWaitForShutdown: unary(this.protocol, async () => {
        await handlers.shutdown();
        return new empty.Empty();
      }),
    };
  }

  private deploymentInfo(): messages.DeploymentInfo {
    const { resource } = this.protocol;
    // SDKs that do not know this message ask feature by feature.
    if (!("DeploymentInfo" in resource)) throw new StatusError("UNIMPLEMENTED", "not known to this SDK");
    const { settings } = this;
    const info = new resource.DeploymentInfo();
    info.setProject(settings.project);
    info.setStack(settings.stack);
    info.setOrganization("organization");
    info.setDryrun(settings.dryRun);
    info.setParallel(settings.parallel);
    const config = info.getConfigMap();
    for (const [key, value] of Object.entries(settings.config)) config.set(key, value);
    info.setConfigsecretkeysList([...settings.secretKeys]);
    const supported = FEATURES.filter((feature) => feature.supported).map((feature) => feature.id);
    // Numbers, since the enumeration of an older SDK lacks the newer ones.
    (info as { setSupportedfeaturesList(features: readonly number[]): unknown }).setSupportedfeaturesList(supported);
    return info;
  }

  private engineMethods(): grpc.UntypedServiceImplementation {
    const { engine, empty } = this.protocol;
    return {
      log: unary(this.protocol, (request: engineMessages.LogRequest) => {
        const severity = SEVERITIES[request.getSeverity()] ?? "info";
        this.handlers.log(severity, request.getUrn(), request.getMessage(), request.getEphemeral());
        return new empty.Empty();
      }),
      setRootResource: unary(this.protocol, (request: engineMessages.SetRootResourceRequest) => {
        this.rootUrn = request.getUrn();
        return new engine.SetRootResourceResponse();
      }),
      getRootResource: unary(this.protocol, () => {
        const response = new engine.GetRootResourceResponse();
        response.setUrn(this.rootUrn);
        return response;
      }),
    };
  }
}
