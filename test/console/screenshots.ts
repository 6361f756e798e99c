/** Pictures of every view, in both themes and two widths, of an account in which something goes on. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { renewAsOf } from "../../cli/demo-clock";
import { startEmulator } from "../../emulator";
import { makeAccount, makeCalls } from "./account";
import { launch } from "./chromium";

const SIZES = [
  { width: 1280, height: 800 },
  { width: 400, height: 850 },
] as const;
const VIEWS = ["map", "timeline", "servers", "faults", "why"] as const;

export async function main(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const emulator = await startEmulator({ console: true, provisionSeconds: 0.2 });
  const account = await makeAccount(emulator);
  const server = await account.boot();
  let ahead = 0;
  const browser = await launch();
  try {
    for (const minutes of [50, 95]) {
      emulator.advance((minutes - ahead) * 60);
      ahead = minutes;
      await renewAsOf(server, minutes * 60);
    }
    await account.api.logIn();
    await makeCalls(account);
    emulator.setFaults([{ method: "POST", path: "/identity/v1/iam_tokens", where: "server", status: 503, count: 3 }]);
    const doomed = await account.api.profile("old");
    const page = await browser.newPage();
    await page.goto(emulator.consoleUrl ?? "");
    await page.getByText("live").waitFor();
    await account.api.must(`DELETE /v1/profiles/${doomed.id}`);
    for (const viewport of SIZES) {
      await page.setViewportSize(viewport);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        for (const view of VIEWS) {
          await show(page, emulator.consoleUrl ?? "", view);
          await page.screenshot({ path: join(folder, `${view}-${viewport.width}-${colorScheme}.png`) });
        }
      }
    }
  } finally {
    await browser.close();
    await server.shutdown();
    await emulator.close();
  }
}

async function show(page: Page, url: string, view: (typeof VIEWS)[number]): Promise<void> {
  // Anew each time: a view chooses by the width with which it is opened.
  await page.goto("about:blank");
  await page.goto(`${url}#${view}`);
  if (view === "map")
    await page
      .getByRole("button", { name: /Trusted profile app|^app$/ })
      .first()
      .click();
  if (view === "servers") await page.getByRole("button", { name: /app-1/ }).click();
  if (view === "timeline") await page.getByRole("row").nth(3).waitFor();
  if (view === "why") await page.getByRole("heading", { name: /Allowed|Denied/ }).waitFor();
  await page.waitForTimeout(600);
}
