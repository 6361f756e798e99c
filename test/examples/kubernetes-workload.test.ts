/** The example `kubernetes-workload`, by the commands of its README. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { Api, IDENTITY, VPC, textOf, until } from "../emulator/support";
import { Example } from "./example";
import { valuesOf } from "./lives";
import { blockOf } from "./readme";
import { withArgs } from "./stand-ins";

// Each command starts a process or two, on a machine that may have others to run.
jest.setTimeout(240_000);

let example: Example;
let values: Record<string, string>;
let before: unknown;
beforeAll(async () => {
  example = await Example.of("kubernetes-workload");
  values = valuesOf(example, []);
  before = example.emulator.inventory();
});
afterAll(() => example.close());

/** What the policy is limited to, as IAM stores it. */
const limits = (): unknown =>
  (example.emulator.inventory().policies[0]?.resource as { key: string; value: string }[])
    .map(({ key, value }) => `${key}=${value}`)
    .filter((limit) => !limit.startsWith("accountId="));

it("says all that it needs to know", async () => {
  await example.project.engine("stack", "init", "empty", "--no-select");
  await example.project.engine("config", "set", "--stack", "empty", "clusterType", "swarm");
  const { exitCode, output } = await example.project.engine("preview", "--stack", "empty");
  expect(exitCode).not.toBe(0);
  for (const key of ["clusterCrn", "serviceAccount", "storageInstanceId"]) {
    expect(output).toContain(`  pulumi config set ${key} `);
  }
  expect(output).toContain('set clusterType kubernetes   (it is "swarm"; "kubernetes" and "openshift" are allowed)');
  expect(example.emulator.inventory()).toEqual(before);
});

it("is deployed by the commands of its README", async () => {
  await example.readme("Run it", values);
  const { links, profiles } = example.emulator.inventory();
  expect(links).toMatchObject([
    { cr_type: "IKS_SA", link: { crn: values.clusterCrn, namespace: "default", name: "backend" } },
  ]);
  expect(limits()).toEqual(["serviceName=cloud-object-storage", `serviceInstance=${values.storageInstanceId ?? ""}`]);
  const profileId = profiles[0]?.id as string;
  expect(await example.outputs()).toEqual({
    profileId,
    profileIamId: `iam-${profileId}`,
    linkId: `${profileId}/${links[0]?.id as string}`,
  });
});

it("has nothing to do the second time, by the Automation API", async () => {
  const { summary } = await (await example.automation()).up();
  expect(Object.keys(summary.resourceChanges ?? {})).toEqual(["same"]);
});

it("is changed by the commands of its README, in place", async () => {
  const outputs = await example.outputs();
  const policy = example.emulator.inventory().policies[0]?.id;
  await example.readme("Change it");
  expect(limits()).toEqual([
    "serviceName=cloud-object-storage",
    `serviceInstance=${values.storageInstanceId ?? ""}`,
    "resourceType=bucket",
    "resource=invoices",
  ]);
  expect(example.emulator.inventory().policies[0]?.id).toBe(policy);
  expect(await example.outputs()).toEqual(outputs);
});

it("shows the call by which a token of the cluster becomes one of the profile", async () => {
  const { profileId } = (await example.outputs()) as { profileId: string };
  // The emulator has no clusters: a server of the account stands for one, whose tokens IAM exchanges by the same call.
  const api = await new Api(example.emulator).logIn();
  const server = await api.server();
  await api.must(`POST /v1/profiles/${profileId}/links`, { cr_type: "VSI", link: { crn: server.crn } });
  const headers = { "Metadata-Flavor": "ibm" };
  const issued = await api.must(`PUT ${server.url}/identity/v1/token?${IDENTITY}`, {}, { token: null, headers });
  const token = join(example.project.folder, "sa-token");
  writeFileSync(token, textOf(issued.access_token));
  const answer = await example.readme(
    "In the cluster",
    { profile_id: profileId },
    {
      curl: withArgs(example.project, "curl", (arg) =>
        arg
          .replace("https://iam.cloud.ibm.com", example.emulator.url)
          .replace("/var/run/secrets/tokens/sa-token", token),
      ),
    },
  );
  const { access_token: access = "" } = JSON.parse(answer) as { access_token?: string };
  const claims = JSON.parse(Buffer.from(access.split(".")[1] ?? "", "base64url").toString()) as { iam_id: string };
  expect(claims.iam_id).toBe(`iam-${profileId}`);
  await api.must(`DELETE /v1/instances/${server.id}?${VPC}`);
  await until(() => example.count("instances")[0] === 0);
});

it("is destroyed by the Automation API, without a rest", async () => {
  await (await example.automation()).destroy();
  expect(example.emulator.inventory()).toEqual(before);
});

it("shows a pod that gets the token where IBM's SDKs look for it", () => {
  const { spec } = parse(blockOf("kubernetes-workload", "In the cluster", "yaml")) as {
    spec: { serviceAccountName: string; containers: { volumeMounts: object[] }[]; volumes: object[] };
  };
  expect(spec).toMatchObject({
    serviceAccountName: "backend",
    containers: [{ volumeMounts: [{ name: "iam-token", mountPath: "/var/run/secrets/tokens" }] }],
    volumes: [
      { name: "iam-token", projected: { sources: [{ serviceAccountToken: { audience: "iam", path: "sa-token" } }] } },
    ],
  });
});

it("has run every command of its README", () => expect(example.unrun()).toEqual([]));
