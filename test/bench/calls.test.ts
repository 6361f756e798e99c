/** How calls are counted: by route, whatever ids are in it, and apart what a process asks once. */
import { allCallsOf, callsOf, isLogin, routeOf } from "./calls";

test.each([
  ["GET", "/v1/profiles/Profile-6d3cbb1e/links?limit=5", "GET /v1/profiles/{id}/links"],
  ["POST", "/v2/policies", "POST /v2/policies"],
  ["DELETE", "/v1/instances/0717_a%2F1", "DELETE /v1/instances/{id}"],
])("%s %s is %s", (method, path, route) => {
  expect(routeOf(method, path)).toBe(route);
});

test("logins and looks at roles are counted apart", () => {
  const run = { calls: { "POST /identity/token": 1, "GET /v2/roles": 2, "POST /v1/instances": 4 } };
  expect([callsOf(run), allCallsOf(run), callsOf(run, isLogin)]).toEqual([4, 7, 1]);
});
