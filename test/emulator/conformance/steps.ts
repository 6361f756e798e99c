/** The steps that many cases are made of. */
import type { Step } from "./types";

/** What every VPC request says. */
export const Q = "version=2025-09-16&generation=2";

/** A server from an image, with a network attachment. */
export const byImage = {
  name: "case-${run}-${n}",
  image: { id: "${image}" },
  zone: { name: "${zone}" },
  primary_network_attachment: { virtual_network_interface: { subnet: { id: "${subnet}" } } },
};
/** Creates a server; keeps its id as `i` and its CRN as `iCrn`. */
export const create = (more: object, status = 201, rest: Partial<Step> = {}): Step => ({
  call: `POST /v1/instances?${Q}`,
  json: { ...byImage, ...more },
  status,
  ...(status === 201 ? { save: { i: "id", iCrn: "crn" } } : {}),
  ...rest,
});
/** Waits for the server `i`. */
export const running: Step = {
  call: `GET /v1/instances/\${i}?${Q}`,
  status: 200,
  body: { status: "running", lifecycle_state: "stable" },
  withinSeconds: 600,
};
export const remove: Step = { call: `DELETE /v1/instances/\${i}?${Q}`, status: [202, 204] };
export const gone: Step = { call: `GET /v1/instances/\${i}?${Q}`, status: 404, withinSeconds: 600 };
/** Lets the server `i` come up, and takes it away. */
export const end: readonly Step[] = [running, remove, gone];
export const without = (value: object, key: string): object =>
  Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));

export const FLAVOR = { "Metadata-Flavor": "ibm" };

/** Asks for an identity token. */
export const token = (query: string, json: unknown, rest: Omit<Step, "call" | "json">): Step => ({
  call: `PUT /identity/v1/token?${query}`,
  to: "server",
  headers: FLAVOR,
  json,
  ...rest,
});
/** Version of the services of servers. */
export const V = "version=2025-10-21";
/** Keeps an identity token as `identity`. */
export const identity: Step = token(V, {}, { status: 200, save: { identity: "access_token" } });

/** A call of a server with its identity token. */
export const post = (path: string, json: unknown, rest: Omit<Step, "call" | "json">): Step => ({
  call: `POST ${path}?${V}`,
  to: "server",
  token: "${identity}",
  ...(json === undefined ? {} : { json }),
  ...rest,
});
export const iamTokens = (json: unknown, rest: Omit<Step, "call" | "json">): Step =>
  post("/identity/v1/iam_tokens", json, rest);

/** An error of the services of servers. */
export const fails = (code: string, target?: string): Partial<Step> => ({
  body: {
    errors: [{ code, ...(target === undefined ? {} : { target: { name: target } }) }],
    trace: "/./",
    status_code: "/^[45][0-9][0-9]$/",
  },
});
