/** Functions of the program that the engine calls back: transforms of registrations, and hooks. */
import type * as grpc from "@grpc/grpc-js";
import type * as callbackMessages from "@pulumi/pulumi/proto/callback_pb";
import type * as messages from "@pulumi/pulumi/proto/resource_pb";
import { StatusError } from "./monitor";
import { CHANNEL_OPTIONS, type Protocol } from "./protocol";

export interface CallbackReference {
  readonly target: string;
  readonly token: string;
}

type Client = InstanceType<Protocol["callbackService"]["CallbacksClient"]>;

export class Callbacks {
  private readonly clients = new Map<string, Client>();

  constructor(private readonly protocol: Protocol) {}

  private client(target: string): Client {
    let client = this.clients.get(target);
    if (client === undefined) {
      client = new this.protocol.callbackService.CallbacksClient(
        target,
        this.protocol.grpc.credentials.createInsecure(),
        CHANNEL_OPTIONS,
      );
      this.clients.set(target, client);
    }
    return client;
  }

  private async invoke(callback: CallbackReference, bytes: Uint8Array): Promise<Uint8Array> {
    const request = new this.protocol.callback.CallbackInvokeRequest();
    request.setToken(callback.token);
    request.setRequest(bytes);
    const client = this.client(callback.target);
    return new Promise((resolve, reject) => {
      client.invoke(request, (error: grpc.ServiceError | null, response: callbackMessages.CallbackInvokeResponse) => {
        if (error === null) resolve(response.getResponse_asU8());
        else reject(new StatusError("UNKNOWN", error.details));
      });
    });
  }

  /**
   * Lets transforms change a registration before anything else happens to it. `own` says that the resource has transforms itself, which
   * costs it the record of which property depends on what, as with Pulumi.
   */
  async transform(
    request: messages.RegisterResourceRequest,
    callbacks: readonly CallbackReference[],
    own: boolean,
  ): Promise<void> {
    const { resource } = this.protocol;
    for (const callback of callbacks) {
      const question = new resource.TransformRequest();
      question.setType(request.getType());
      question.setName(request.getName());
      question.setCustom(request.getCustom());
      question.setParent(request.getParent());
      question.setProperties(request.getObject());
      question.setOptions(this.optionsOf(request));
      const answer = resource.TransformResponse.deserializeBinary(
        await this.invoke(callback, question.serializeBinary()),
      );
      const properties = answer.getProperties();
      if (properties !== undefined) request.setObject(properties);
      const options = answer.getOptions();
      if (options !== undefined) takeOptions(request, options);
    }
    const map = request.getPropertydependenciesMap();
    if (own) map.clear();
    request
      .getObject()
      ?.getFieldsMap()
      .forEach((_value, key) => {
        if (!map.has(key)) map.set(key, new resource.RegisterResourceRequest.PropertyDependencies());
      });
  }

  private optionsOf(request: messages.RegisterResourceRequest): messages.TransformResourceOptions {
    const options = new this.protocol.resource.TransformResourceOptions();
    options.setDependsOnList(request.getDependenciesList());
    const protect = request.hasProtect() ? request.getProtect() : undefined;
    if (protect !== undefined) options.setProtect(protect);
    options.setIgnoreChangesList(request.getIgnorechangesList());
    options.setReplaceOnChangesList(request.getReplaceonchangesList());
    options.setVersion(request.getVersion());
    options.setAliasesList(request.getAliasesList());
    options.setProvider(request.getProvider());
    options.setCustomTimeouts(request.getCustomtimeouts());
    const retain = request.hasRetainondelete() ? request.getRetainondelete() : undefined;
    if (retain !== undefined) options.setRetainOnDelete(retain);
    options.setDeletedWith(request.getDeletedwith());
    if (request.getDeletebeforereplacedefined()) options.setDeleteBeforeReplace(request.getDeletebeforereplace());
    options.setAdditionalSecretOutputsList(request.getAdditionalsecretoutputsList());
    request.getProvidersMap().forEach((reference, name) => options.getProvidersMap().set(name, reference));
    if ("setHooks" in options) options.setHooks(request.getHooks());
    if ("setReplaceWithList" in options) options.setReplaceWithList(request.getReplaceWithList());
    if ("setImport" in options) options.setImport(request.getImportid());
    return options;
  }

  /** Calls a hook; resolves with the error it reports, or an empty string. */
  async hook(callback: CallbackReference, request: messages.ResourceHookRequest): Promise<string> {
    const bytes = await this.invoke(callback, request.serializeBinary());
    return this.protocol.resource.ResourceHookResponse.deserializeBinary(bytes).getError();
  }

  close(): void {
    for (const client of this.clients.values()) client.close();
  }
}

function takeOptions(request: messages.RegisterResourceRequest, options: messages.TransformResourceOptions): void {
  request.setDependenciesList(options.getDependsOnList());
  const protect = options.hasProtect() ? options.getProtect() : undefined;
  if (protect !== undefined) request.setProtect(protect);
  request.setIgnorechangesList(options.getIgnoreChangesList());
  request.setReplaceonchangesList(options.getReplaceOnChangesList());
  request.setAliasesList(options.getAliasesList());
  request.setProvider(options.getProvider());
  const timeouts = options.getCustomTimeouts();
  if (timeouts !== undefined) request.setCustomtimeouts(timeouts);
  const retain = options.hasRetainOnDelete() ? options.getRetainOnDelete() : undefined;
  if (retain !== undefined) request.setRetainondelete(retain);
  request.setDeletedwith(options.getDeletedWith());
  const deleteFirst = options.hasDeleteBeforeReplace() ? options.getDeleteBeforeReplace() : undefined;
  if (deleteFirst !== undefined) {
    request.setDeletebeforereplacedefined(true);
    request.setDeletebeforereplace(deleteFirst);
  }
  request.setAdditionalsecretoutputsList(options.getAdditionalSecretOutputsList());
  if ("getHooks" in options) {
    const hooks = options.getHooks();
    if (hooks !== undefined) request.setHooks(hooks);
  }
  if ("getReplaceWithList" in options) request.setReplaceWithList(options.getReplaceWithList());
}
