/** The route table of the public port, and how a path finds its route. */
import type { Route } from "./call";
import type { Api } from "./refusal";

export interface Match {
  readonly route: Route;
  readonly params: Record<string, string>;
}

interface Pattern {
  readonly route: Route;
  readonly segments: readonly string[];
}

export class RouteTable {
  /** By number of segments, so that few patterns are compared. */
  private readonly bySize = new Map<number, Pattern[]>();

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const segments = split(route.path);
      const patterns = this.bySize.get(segments.length) ?? [];
      patterns.push({ route, segments });
      this.bySize.set(segments.length, patterns);
    }
  }

  /** The route, `"method"` when only the method is wrong, or undefined. A trailing slash makes no difference. */
  match(method: string, path: string): Match | { readonly wrongMethod: Api } | undefined {
    const segments = split(path);
    let wrongMethod: Api | undefined;
    for (const { route, segments: pattern } of this.bySize.get(segments.length) ?? []) {
      const fits = pattern.every((part, index) => part.startsWith(":") || part === segments[index]);
      if (!fits) continue;
      if (route.method === method) return { route, params: paramsOf(pattern, segments) };
      wrongMethod = route.api;
    }
    return wrongMethod === undefined ? undefined : { wrongMethod };
  }
}

const split = (path: string): string[] => path.replace(/^\/|\/$/g, "").split("/");

function paramsOf(pattern: readonly string[], segments: readonly string[]): Record<string, string> {
  const params: Record<string, string> = {};
  pattern.forEach((part, index) => {
    if (part.startsWith(":")) params[part.slice(1)] = decode(segments[index] ?? "");
  });
  return params;
}

/** A badly encoded segment is no id of ours; it is looked up as it is and found nowhere. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** The API that answers for a path that no route has. */
export function apiOfUnknownPath(path: string): Api {
  if (path.startsWith("/identity/")) return "token";
  if (/^\/v[12]\/(policies|roles|policy_)/.test(path)) return "policy";
  if (/^\/v1\/(profiles|apikeys|serviceids?|serviceid_groups|accounts|sessions)(\/|$)/.test(path)) return "identity";
  return path.startsWith("/v1/") || path === "/v1" ? "vpc" : "account";
}
