/** What every VPC request must say in its query: an API version and the generation. */
import { queryText, type Call } from "../call";
import { vpcRefusal } from "../refusal";

export const VERSION = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;
/** Versions before this one were never generation 2. */
const FLOOR = "2019-05-31";

export function checkVpcQuery(call: Call): void {
  const version = queryText(call, "version");
  const target = { name: "version", type: "parameter", ...(version === undefined ? {} : { value: version }) } as const;
  if (version === undefined) throw vpcRefusal(400, "invalid_version", "The `version` parameter is missing.", target);
  if (!VERSION.test(version)) {
    throw vpcRefusal(400, "invalid_version", "The `version` parameter must be a date: YYYY-MM-DD.", target);
  }
  const today = call.world.clock.iso().slice(0, 10);
  if (version > today) {
    throw vpcRefusal(400, "invalid_version_range", "The `version` parameter cannot be in the future.", target);
  }
  if (version < FLOOR) {
    throw vpcRefusal(400, "invalid_version_range", `The \`version\` parameter cannot be before ${FLOOR}.`, target);
  }
  const generation = queryText(call, "generation");
  if (generation !== "2") {
    throw vpcRefusal(400, "invalid_generation_parameter", "The `generation` parameter must be 2.", {
      name: "generation",
      type: "parameter",
      ...(generation === undefined ? {} : { value: generation }),
    });
  }
}
