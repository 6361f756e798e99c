/** What is said of arguments of a bare metal server that cannot be: all of it at once, before anything is called. */
import { handler } from "../../provider/bare-metal-server";
import { Life } from "./cloud";

describe("check", () => {
  it("lists every problem, and says why there is no hop limit", async () => {
    const { failures = [] } = await new Life(handler).check({
      zone: "us-south-1",
      subnetId: "s",
      virtualNetworkInterfaceId: "v",
      bareMetalServerProfile: "BX",
      initialization: { imageId: "i", sshKeyIds: [], defaultTrustedProfile: { target: "x" } },
      metadataService: { responseHopLimit: 2, protocol: "tcp" },
      trustedPlatformModule: { mode: "on" },
      bandwidthMbs: 1,
    });
    expect(failures.map(({ property, reason }) => `${property}: ${reason}`)).toEqual([
      'bareMetalServerProfile: is "BX"; must be a bare metal server profile such as "bx2-metal-96x384"',
      "initialization.sshKeyIds: is []; must have at least 1 entry",
      'initialization.defaultTrustedProfile.target: is "x"; must be the id of a trusted profile ("Profile-<uuid>") or its CRN',
      "metadataService.responseHopLimit: is not an argument: bare metal servers have no hop limit, IBM Cloud offers it for " +
        "virtual servers only. Leave it out",
      'metadataService.protocol: is "tcp"; must be one of "http", "https"',
      'trustedPlatformModule.mode: is "on"; must be one of "disabled", "tpm_2"',
      expect.stringMatching(/^bandwidthMbs: is not an argument; did you mean "bandwidthMbps"\?/) as string,
      'virtualNetworkInterfaceId: a server is connected in one way only; "subnetId" and "virtualNetworkInterfaceId" are ' +
        "given",
    ]);
  });
});
