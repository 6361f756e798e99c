/** What a linked server refuses: all problems of its children at once, before any of them is registered. */
import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { LinkedInstance } from "../../components/linked-instance";
import type { LinkedInstanceArgs } from "../../components/linked-instance-args";
import { refusalOf, testProgram } from "../provider/program";
import { ARGS, CRN, PROFILE } from "./linked-instance-args";

const program = testProgram();

describe("refusal", () => {
  const lines = (args: object): string[] =>
    refusalOf(() => new LinkedInstance("app", args as LinkedInstanceArgs)).split("\n");

  it("lists the problems of all children at once, before anything is registered", () => {
    const problems = lines({
      ...ARGS,
      vpcID: "v",
      vpcId: undefined,
      sshKeyIds: "key",
      metadataService: { protocol: "tcp", responseHopLimit: 0 },
      trustedProfile: { name: 5, policies: [{ roles: [], service: "is" }, { roles: ["Viewer"] }] },
      bootstrap: { certificate: { keySize: 1024, subject: { CN: "me" } }, iamToken: [] },
      transform: { instance: 1 },
    });
    expect(problems[0]).toBe('LinkedInstance "app" has 13 problems:');
    expect(problems.slice(1).map((line) => line.slice(4, line.indexOf(": ")))).toEqual([
      "trustedProfile.name",
      "trustedProfile.policies[0].roles",
      "trustedProfile.policies[1].service",
      "vpcID",
      "sshKeyIds",
      "metadataService.protocol",
      "metadataService.responseHopLimit",
      "bootstrap.certificate.keySize",
      "bootstrap.certificate.subject.CN",
      "bootstrap.certificate.subject",
      "bootstrap.iamToken",
      "transform.instance",
      "vpcId",
    ]);
    expect(program.registrations).toEqual([]);
  });

  it.each<[string, object, string]>([
    [
      "both id and CRN",
      { trustedProfile: { id: PROFILE, crn: CRN } },
      '  - trustedProfile.crn: exactly one of "id" and "crn" is allowed; "id" and "crn" are given',
    ],
    [
      "policies for a profile that exists",
      { trustedProfile: { id: PROFILE, policies: [] } },
      "  - trustedProfile.policies: is not an argument. Allowed: id, crn",
    ],
    [
      "a bad id",
      { trustedProfile: { id: "app" } },
      '  - trustedProfile.id: is "app"; must be a profile id: "Profile-<uuid>"',
    ],
    [
      "the CRN of something else",
      { trustedProfile: { crn: "crn:v1:bluemix:public:is:us-south:a/0::vpc:r006-1" } },
      '  - trustedProfile.crn: is "crn:v1:bluemix:public:is:us-south:a/0::vpc:r006-1"; must be the CRN of a trusted profile: "crn:v1:...:profile:Profile-<uuid>"',
    ],
    [
      "a profile as an Output",
      { trustedProfile: pulumi.output({ id: PROFILE }) },
      "  - trustedProfile: is an Output or a promise; must be a plain object: it decides which resources there are",
    ],
    [
      "policies as an Output",
      { trustedProfile: { policies: pulumi.output([]) } },
      "  - trustedProfile.policies: is an Output or a promise; must be a plain list: it decides which resources there are",
    ],
    [
      "a policy as a promise",
      { trustedProfile: { policies: [Promise.resolve({})] } },
      "  - trustedProfile.policies[0]: is an Output or a promise; must be a plain object: it decides which resources there are",
    ],
    [
      "a policy's name as an Output",
      { trustedProfile: { policies: [{ roles: ["Viewer"], service: "is", name: pulumi.output("a") }] } },
      "  - trustedProfile.policies[0].name: is an Output or a promise; must be a plain text: it decides which resources there are",
    ],
    [
      "no policy in the list",
      { trustedProfile: { policies: [null] } },
      "  - trustedProfile.policies[0]: is missing; leave the entry out instead",
    ],
    [
      "a metadata service as an Output",
      { metadataService: pulumi.output({ protocol: "https" }) },
      "  - metadataService: is an Output or a promise; must be a plain object: it decides which resources there are",
    ],
    [
      "transforms as an Output",
      { transform: pulumi.output({}) },
      "  - transform: is an Output or a promise; must be a plain object: it decides which resources there are",
    ],
    [
      "two protocols",
      { metadataService: { protocol: "https" }, bootstrap: { protocol: "http" } },
      '  - bootstrap.protocol: is "http"; must be that of metadataService.protocol, "https"',
    ],
    [
      "a form that cannot be, for an image that does not run cloud-init",
      { userDataForm: { format: "script", merge: ["#!/bin/sh\n"], imageUserDataFormat: "ipxe" } },
      '  - userDataForm.imageUserDataFormat: is "ipxe"; such an image does not run cloud-init, so its servers cannot fetch their identity by user data\n' +
        '  - userDataForm.format: is "script"; with merge it must be "mime" or "archive"',
    ],
    [
      "user data that is too large",
      {
        bootstrap: {
          // Names that no compression shortens.
          iamTokens: Array.from({ length: 2500 }, (_, index) => ({
            name: createHash("sha256").update(String(index)).digest("hex"),
          })),
        },
      },
      "  - bootstrap: ",
    ],
  ])("of %s", (_name, args, problem) => {
    const [first, ...rest] = lines({ ...ARGS, ...args });
    const count = problem.split("\n").length;
    expect(first).toBe(`LinkedInstance "app" has ${count === 1 ? "a problem" : `${count} problems`}:`);
    expect(rest.join("\n").slice(0, problem.length)).toBe(problem);
    expect(program.registrations).toEqual([]);
  });
});
