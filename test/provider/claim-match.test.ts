/** Claim rules are judged as IAM judges them. */
import { unmetConditions } from "../../provider/claim-match";

const CLAIMS = { zone: "us-south-1", resource_group_name: "Default", count: "7", instance_group_name: undefined };

it.each<[string, string, string, unknown, boolean]>([
  ["equals", "zone", "EQUALS", "us-south-1", true],
  ["equals, in another case", "zone", "EQUALS", "US-south-1", false],
  ["equals a number as a text", "count", "EQUALS", 7, true],
  ["equals another", "zone", "EQUALS", "us-south-2", false],
  ["does not equal", "zone", "NOT_EQUALS", "us-south-2", true],
  ["does not equal itself", "zone", "NOT_EQUALS", "us-south-1", false],
  ["equals in any case", "resource_group_name", "EQUALS_IGNORE_CASE", "dEFAULT", true],
  ["does not equal in any case", "resource_group_name", "NOT_EQUALS_IGNORE_CASE", "dEFAULT", false],
  ["contains a part", "zone", "CONTAINS", "south", true],
  ["contains no such part", "zone", "CONTAINS", "east", false],
  ["is one of", "zone", "IN", ["us-east-1", "us-south-1"], true],
  ["is none of", "zone", "IN", ["us-east-1"], false],
  ["is one of, given a single value", "zone", "IN", "us-south-1", true],
  ["is compared by an operator there is not", "zone", "STARTS_WITH", "us", false],
  ["is a claim there is not", "colour", "NOT_EQUALS", "red", false],
  ["is a claim that this server does not have", "instance_group_name", "NOT_EQUALS", "red", false],
  ["is a claim by the name of what every object has", "constructor", "NOT_EQUALS", "red", false],
])("a claim that %s", (_name, claim, operator, value, holds) => {
  expect(unmetConditions([{ claim, operator, value }], CLAIMS)).toHaveLength(holds ? 0 : 1);
});

it("all conditions must hold, and each that does not is named", () => {
  expect(
    unmetConditions(
      [
        { claim: "zone", operator: "EQUALS", value: "us-south-1" },
        { claim: "zone", operator: "CONTAINS", value: "east" },
        { claim: "colour", operator: "IN", value: ["red"] },
      ],
      CLAIMS,
    ),
  ).toEqual([
    'zone CONTAINS "east": the server\'s is "us-south-1"',
    'colour IN ["red"]: the server has no claim colour',
  ]);
});
