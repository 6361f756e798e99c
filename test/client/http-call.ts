/** A call of the transport as its tests make it: with what, to whom, and what it says when it fails. */
import type { HttpRequest } from "../../client/http";
import type { HttpError } from "../../core/errors";
import { type Script, type ScriptedServer, startServer, type TestTransport, testTransport } from "./scripted-server";

export interface TestHttp {
  /** That of the running test. */
  readonly transport: TestTransport;
  /** Starts the one server of the running test. */
  serving(script: Script): Promise<ScriptedServer>;
}

/** To be called at the top of a file of tests: a transport for each of them, closed after it like its server. */
export function testHttp(): TestHttp {
  let transport = testTransport();
  let server: ScriptedServer | undefined;
  beforeEach(() => {
    transport = testTransport();
  });
  afterEach(async () => {
    await transport.close();
    await server?.close();
    server = undefined;
  });
  return {
    get transport() {
      return transport;
    },
    async serving(script) {
      server = await startServer(script);
      return server;
    },
  };
}

export function request(url: string, more: Partial<HttpRequest> = {}): HttpRequest {
  return {
    method: "GET",
    url: new URL(url),
    doing: "do the thing",
    headers: {},
    requestIdHeaders: ["x-request-id"],
    ...more,
  };
}

export async function failureOf(work: Promise<unknown>): Promise<HttpError> {
  return work.then(
    () => {
      throw new Error("the call succeeded");
    },
    (error: unknown) => error as HttpError,
  );
}
