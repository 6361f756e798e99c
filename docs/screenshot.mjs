// Pictures of the built site, to be looked at: `node docs/screenshot.mjs site folder` writes some of its pages to `folder`, at the
// width of a desk and of a phone. Needs Debian's chromium.
import { mkdirSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [site = "site", folder = "."] = process.argv.slice(2);
const PAGES = [
  "index.html",
  "documents/docs_getting-started.html",
  "documents/docs_bootstrap.html",
  "documents/docs_troubleshooting.html",
  "classes/pulumi-ibm-vpc-identity.LinkedInstance.html",
  "interfaces/pulumi-ibm-vpc-identity.LinkedInstanceArgs.html",
];

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  for (const width of [1280, 400]) {
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    for (const path of PAGES) {
      await page.goto(pathToFileURL(resolve(site, path)).href);
      const { scrollWidth } = await page.evaluate(() => document.documentElement);
      const file = join(folder, `${basename(path, ".html")}-${width}.png`);
      await page.screenshot({ path: file });
      console.log(`${file}${scrollWidth > width ? `: ${scrollWidth} pixels wide, not ${width}` : ""}`);
    }
    await page.close();
  }
} finally {
  await browser.close();
}
