/** What the example says to somebody who has not configured it well. */
import { Project } from "../support/project";

it("lists everything that is missing or wrong at once", async () => {
  const project = Project.ofExample("linked-instance", {});
  try {
    await project.engine("stack", "init", "dev", "--no-select");
    const settings = { vpcId: "r006-1", policies: "all", sshKeyIds: '["r006-2", ', trustRootsFile: "no/such.pem" };
    for (const [key, value] of Object.entries(settings)) {
      await project.engine("config", "set", "--stack", "dev", key, value);
    }
    const { exitCode, output } = await project.up();
    expect(exitCode).not.toBe(0);
    for (const line of [
      "The stack configuration is not usable. Please set:",
      'policies operator   (it is "all"; "operator" and "none" are allowed)',
      "config set subnetId",
      "config set zone",
      "config set imageId",
      "config set sshKeyIds r006-...   (it begins like a JSON list, but is no JSON list of texts)",
      "config set trustRootsFile roots.pem   (ENOENT: no such file or directory, open 'no/such.pem')",
    ]) {
      expect(output).toContain(line);
    }
    expect(output).not.toContain("config set vpcId");
  } finally {
    project.remove();
  }
});
