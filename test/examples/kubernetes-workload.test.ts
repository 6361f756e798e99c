/** The example `kubernetes-workload`, by the commands of its README. */
import { parse } from "yaml";
import { Example } from "./example";
import { valuesOf } from "./lives";
import { blockOf } from "./readme";

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
