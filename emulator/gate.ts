/**
 * Every request passes here: match, authentication, the API's own preconditions, authorisation, handler, error shape.
 * Nothing a request holds can make it past this point as an exception.
 */
import { isAllowed, isAllowedSomewhere } from "./policy/decide";
import { bearerOf, callerOf } from "./iam/principals";
import { checkInstanceRequest } from "./on-instance/gate";
import { errorBody, generalRefusal, Refusal, type Api } from "./refusal";
import { checkVpcQuery } from "./vpc/query";
import { resourceAttributes } from "./policy/attributes";
import { header, type Call, type Reply, type Route } from "./call";

/** Runs one call; refusals and surprises become the error body of the API. */
export async function answer(call: Call, route: Route): Promise<Reply> {
  try {
    if (route.api === "instance") checkInstanceRequest(call);
    else if (route.open !== true) authenticate(call, route);
    if (route.api === "vpc") checkVpcQuery(call);
    if (route.action !== undefined) authorise(call, route.api, route.action);
    return await route.handler(call);
  } catch (error) {
    return refuse(call, route.api, error);
  }
}

/** The reply to an error; what is no refusal is a fault of the emulator itself and says so without details. */
export function refuse(call: Pick<Call, "exchange">, api: Api, error: unknown): Reply {
  const refusal =
    error instanceof Refusal ? error : generalRefusal(api, 500, `The emulator failed: ${describe(error)}`);
  return {
    status: refusal.status,
    body: errorBody(api, refusal, call.exchange),
    ...(refusal.extra.headers === undefined ? {} : { headers: refusal.extra.headers }),
  };
}

const describe = (error: unknown): string => (error instanceof Error ? error.message : "unknown failure");

function authenticate(call: Call, route: Route): void {
  const token = bearerOf(header(call, "authorization"));
  if (token === undefined) {
    if (route.api === "vpc") throw new Refusal(401, "token_missing", "The request has no IAM token.");
    throw generalRefusal(route.api, 401, "The request has no IAM token in its Authorization header.");
  }
  const caller = callerOf(call.world, token);
  if (caller === undefined) throw generalRefusal(route.api, 401, "The IAM token is not valid or expired.");
  call.caller = caller;
}

function authorise(call: Call, api: Api, action: string): void {
  const { caller, world } = call;
  if (caller === undefined) throw generalRefusal(api, 401, "The request has no IAM token.");
  const allowed = action.endsWith(".list")
    ? isAllowedSomewhere(world, caller, action)
    : isAllowed(world, caller, action, resourceAttributes(call, action));
  if (!allowed) {
    throw generalRefusal(api, 403, `'${caller.iamId}' has no policy that allows the action '${action}'.`);
  }
}
