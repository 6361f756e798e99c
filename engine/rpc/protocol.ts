/**
 * Pulumi's generated message classes. They come from the program's own copy of the SDK, so that messages are encoded by the code that
 * decodes them on the other side and a field that only one version knows never gets lost between two copies.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type * as grpc from "@grpc/grpc-js";
import type * as aliasMessages from "@pulumi/pulumi/proto/alias_pb";
import type * as callbackService from "@pulumi/pulumi/proto/callback_grpc_pb";
import type * as callbackMessages from "@pulumi/pulumi/proto/callback_pb";
import type * as engineService from "@pulumi/pulumi/proto/engine_grpc_pb";
import type * as engineMessages from "@pulumi/pulumi/proto/engine_pb";
import type * as eventService from "@pulumi/pulumi/proto/events_grpc_pb";
import type * as eventMessages from "@pulumi/pulumi/proto/events_pb";
import type * as languageService from "@pulumi/pulumi/proto/language_grpc_pb";
import type * as languageMessages from "@pulumi/pulumi/proto/language_pb";
import type * as providerService from "@pulumi/pulumi/proto/provider_grpc_pb";
import type * as providerMessages from "@pulumi/pulumi/proto/provider_pb";
import type * as resourceService from "@pulumi/pulumi/proto/resource_grpc_pb";
import type * as resourceMessages from "@pulumi/pulumi/proto/resource_pb";
import type * as statusMessages from "@pulumi/pulumi/proto/status_pb";
import { UserError } from "../errors";
import { type Properties } from "../model/values";

export type ResourceMessages = typeof resourceMessages;

/** Google's own messages, as far as they are used. Their package is the SDK's dependency, not ours, so its types are taken from there. */
export type Struct = NonNullable<ReturnType<resourceMessages.RegisterResourceRequest["getObject"]>>;
interface StructMessages {
  readonly Struct: { fromJavaScript(properties: Properties): Struct };
}
interface EmptyMessages {
  readonly Empty: new () => object;
}

/** Statuses of gRPC by name; their numbers are the SDK's copy's to say. */
export type StatusName = keyof typeof grpc.status;

export interface Protocol {
  /** The SDK's own gRPC: its clients take no credentials from another copy. */
  readonly grpc: typeof grpc;
  /** The folder of the program's SDK. */
  readonly sdk: string;
  readonly resource: ResourceMessages;
  readonly resourceService: typeof resourceService;
  readonly engine: typeof engineMessages;
  readonly engineService: typeof engineService;
  readonly provider: typeof providerMessages;
  readonly providerService: typeof providerService;
  readonly callback: typeof callbackMessages;
  readonly callbackService: typeof callbackService;
  readonly alias: typeof aliasMessages;
  readonly status: typeof statusMessages;
  readonly struct: StructMessages;
  readonly empty: EmptyMessages;
  language(): typeof languageMessages;
  languageService(): typeof languageService;
  eventService(): typeof eventService;
  eventMessages(): typeof eventMessages;
}

/** The protocol of the program in a folder. With `fallback`, the engine's own copy of the SDK serves where the folder has none. */
export function loadProtocol(programFolder: string, fallback = false): Protocol {
  const fromProgram = createRequire(join(programFolder, "program.js"));
  let manifest: string;
  try {
    manifest = fromProgram.resolve("@pulumi/pulumi/package.json");
  } catch {
    if (fallback) return loadProtocol(__dirname);
    throw new UserError(
      `The package @pulumi/pulumi is not installed for the program in ${programFolder}. Install it there (npm install) and try again.`,
    );
  }
  const fromSdk = createRequire(manifest);
  const load = (name: string): unknown => fromSdk(`./proto/${name}`);
  return {
    grpc: fromSdk("@grpc/grpc-js") as typeof grpc,
    sdk: dirname(manifest),
    resource: load("resource_pb") as ResourceMessages,
    resourceService: load("resource_grpc_pb") as typeof resourceService,
    engine: load("engine_pb") as typeof engineMessages,
    engineService: load("engine_grpc_pb") as typeof engineService,
    provider: load("provider_pb") as typeof providerMessages,
    providerService: load("provider_grpc_pb") as typeof providerService,
    callback: load("callback_pb") as typeof callbackMessages,
    callbackService: load("callback_grpc_pb") as typeof callbackService,
    alias: load("alias_pb") as typeof aliasMessages,
    status: load("status_pb") as typeof statusMessages,
    struct: fromSdk("google-protobuf/google/protobuf/struct_pb") as StructMessages,
    empty: fromSdk("google-protobuf/google/protobuf/empty_pb") as EmptyMessages,
    language: () => load("language_pb") as typeof languageMessages,
    languageService: () => load("language_grpc_pb") as typeof languageService,
    eventService: () => load("events_grpc_pb") as typeof eventService,
    eventMessages: () => load("events_pb") as typeof eventMessages,
  };
}

/** Messages without a body arrive as undefined. */
export function fromStruct(struct: Struct | undefined): Properties {
  return struct === undefined ? {} : struct.toJavaScript();
}

export function toStruct(protocol: Protocol, properties: Properties): Struct {
  return protocol.struct.Struct.fromJavaScript(properties);
}

/** State files and assets fit easily; the limit is Pulumi's own. */
const MESSAGE_LIMIT_BYTES = 400 * 1024 * 1024;
export const CHANNEL_OPTIONS = {
  // All ends are on this machine: a proxy of the user's is for the cloud.
  "grpc.enable_http_proxy": 0,
  "grpc.max_receive_message_length": MESSAGE_LIMIT_BYTES,
  "grpc.max_send_message_length": MESSAGE_LIMIT_BYTES,
};
