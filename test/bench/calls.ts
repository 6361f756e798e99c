/** API calls by route, as an emulator's journal has them. */

/** How many calls there were of each route. */
export type Calls = Readonly<Record<string, number>>;

/** `GET /v1/profiles/{id}/links`: every part of a path that has a digit in it is an id. */
export function routeOf(method: string, path: string): string {
  const parts = (path.split("?")[0] ?? "").split("/").map((part) => decodeURIComponent(part));
  return `${method} ${parts.map((part) => (/\d/.test(part) && !/^v\d$/.test(part) ? "{id}" : part)).join("/")}`;
}

export const isLogin = (route: string): boolean => route === "POST /identity/token";
export const isRoles = (route: string): boolean => route === "GET /v2/roles";

/** The calls of a run; those that a process makes once, for a token or the roles of a service, are counted apart. */
export function callsOf(
  { calls }: { readonly calls: Calls },
  which = (route: string): boolean => !isLogin(route) && !isRoles(route),
): number {
  return Object.entries(calls).reduce((sum, [route, count]) => sum + (which(route) ? count : 0), 0);
}

export const allCallsOf = (run: { readonly calls: Calls }): number => callsOf(run, () => true);
