/** The admin port: what a test or a person asks the emulator itself. */
import type { RequestListener } from "node:http";
import type { Front } from "./front";
import { inventoryOf } from "./inventory";
import type { Journal } from "./journal";
import { jwks } from "./jwt";
import type { Endpoints } from "./on-instance/endpoints";
import { identityIssuers, identityKeyId } from "./on-instance/identity";
import type { World } from "./world";

export interface AdminSubjects {
  readonly endpoints: Endpoints;
  readonly world: World;
  readonly journal: Journal;
  readonly front: Front;
}

export function adminListener({ world, journal, front, endpoints }: AdminSubjects): RequestListener {
  return (request, response) => {
    request.resume();
    front.settle();
    const path = (request.url ?? "/").split("?")[0];
    const body =
      path === "/_emulator/inventory"
        ? inventoryOf(world, (id) => endpoints.of(id))
        : path === "/_emulator/journal"
          ? journal.list()
          : path === "/_emulator/jwks"
            ? jwks(
                identityIssuers(world).map((issuer) => ({
                  key: world.keys.identity,
                  kid: identityKeyId(world, issuer),
                })),
              )
            : undefined;
    response.writeHead(body === undefined ? 404 : 200, { "Content-Type": "application/json; charset=utf-8" });
    response.end(JSON.stringify(body ?? { error: "no such path" }));
  };
}
