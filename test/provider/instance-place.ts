/** Where the servers of the tests are: in the network that the emulated account begins with. */
import type { Cloud } from "./cloud";

export interface Place {
  readonly vpcId: string;
  readonly subnetId: string;
  readonly zone: string;
  readonly imageId: string;
  readonly instanceProfile: string;
}

export function placeOf({ emulator }: Cloud): Place {
  const { vpcs, subnets, images } = emulator.inventory();
  const idOf = (row: Readonly<Record<string, unknown>> | undefined): string => String(row?.id);
  return {
    vpcId: idOf(vpcs[0]),
    subnetId: idOf(subnets[0]),
    zone: `${emulator.region}-1`,
    imageId: idOf(images[0]),
    instanceProfile: "bx2-2x8",
  };
}

/** Makes what there is no resource for, or not in the test's own process. */
export async function vpcPost({ elsewhere }: Cloud, path: string, body: object): Promise<Record<string, unknown>> {
  const { body: answer } = await elsewhere.call({ api: "vpc", method: "POST", path, body, doing: `POST ${path}` });
  return answer as Record<string, unknown>;
}

export async function vpcGet({ elsewhere }: Cloud, path: string): Promise<Record<string, unknown>> {
  const { body } = await elsewhere.call({ api: "vpc", method: "GET", path, doing: `GET ${path}` });
  return body as Record<string, unknown>;
}
