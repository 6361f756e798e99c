/** A call of the transport as its tests make it, and what it says when it fails. */
import type { HttpRequest } from "../../client/http";
import type { HttpError } from "../../core/errors";

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
