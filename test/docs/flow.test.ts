/** The picture in the README is what its script draws. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../support/project";

it("is drawn by its script", () => {
  const images = join(REPOSITORY, "docs", "images");
  const script = `import(${JSON.stringify(join(images, "flow.mjs"))}).then(({ drawFlow }) => process.stdout.write(drawFlow()))`;
  const drawn = execFileSync(process.execPath, ["-e", script], { encoding: "utf8" });
  expect(drawn).toBe(readFileSync(join(images, "flow.svg"), "utf8"));
});
