/** The demo as it is seen on the console's page: step by step, while it is played. */
import { spawn, type ChildProcess } from "node:child_process";
import type { Browser, Page } from "playwright-core";
import { until } from "../emulator/support";
import { CLI } from "../support/project";
import { expectSeen, hasChromium, launch } from "./chromium";

const describeInBrowser = hasChromium ? describe : describe.skip;
const STEP_MS = 40_000;

describeInBrowser("vpc-identity demo --console (skipped where there is no Chromium, and every run shows it)", () => {
  let browser: Browser;
  let demo: ChildProcess;
  let page: Page;
  let [progress, result] = ["", ""];
  let ended: Promise<number | null>;

  beforeAll(async () => {
    demo = spawn(process.execPath, [CLI, "demo", "--json", "--console", "--engine", "embedded"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    ended = new Promise((resolve) => demo.on("close", resolve));
    demo.stderr?.setEncoding("utf8").on("data", (text: string) => (progress += text));
    demo.stdout?.setEncoding("utf8").on("data", (text: string) => (result += text));
    browser = await launch();
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(STEP_MS);
    await until(() => /console: http\S+\n/.test(progress), STEP_MS);
    await page.goto(/console: (http\S+)/.exec(progress)?.[1] ?? "");
  }, 60_000);

  afterAll(async () => {
    demo.kill("SIGTERM");
    await browser.close();
    await ended;
  });

  const open = (view: string): Promise<void> => page.getByRole("link", { name: view }).click();

  it("up: profile, link, server and policy appear on the map", async () => {
    for (const name of [
      /^Trusted profile app-/,
      /^Link/,
      /^Policy Operator/,
      /^Server app-.*running · metadata http/,
    ]) {
      await expectSeen(page.getByRole("button", { name }));
    }
  });

  it("boot, token and certificate: the server's log, claims, chain and renewals", async () => {
    await open("Servers");
    await expectSeen(page.getByLabel("Boot log").getByText("user data ended with exit code 0"));
    await expectSeen(page.getByText(/^IAM token as app-/));
    await expectSeen(page.getByText("O=IBM Cloud VPC emulator, CN=Emulator Instance Identity CA").first());
    await expectSeen(page.getByRole("img", { name: /1 times IAM token.*1 times certificate/ }));
  });

  it("revoke: what was allowed is denied, and the page says why", async () => {
    await open("Timeline");
    const calls = page.getByRole("table", { name: "Calls" });
    const listing = (status: number): Promise<void> =>
      calls
        .getByRole("row")
        .filter({ hasText: `${status}GET /v1/instances?` })
        .last()
        .waitFor();
    await page.getByLabel("Search").fill("GET /v1/instances?");
    await listing(200);
    await listing(403);
    await open("Map");
    await expectSeen(page.getByRole("button", { name: /^Policy Operator.*deleted$/ }));
    await open("Why");
    await expectSeen(page.getByRole("heading", { name: "Denied" }));
    await expectSeen(page.getByText(/^app-\S+ may not: it can become app-\S+, and no policy allows /));
    await open("Map");
  });

  it("destroy: everything fades, the demo has passed and stays up to be looked at", async () => {
    await expectSeen(page.getByRole("button", { name: /^Server app-.*deleted$/ }));
    await expectSeen(page.getByRole("button", { name: /^Trusted profile app-.*deleted$/ }));
    await until(() => result.endsWith("\n"), STEP_MS);
    expect(JSON.parse(result)).toMatchObject({ passed: true, consoleUrl: page.url().replace(/#.*/, "") });
    expect(demo.exitCode).toBeNull();
    demo.kill("SIGTERM");
    expect(await ended).toBe(0);
    await expectSeen(page.getByRole("alert"));
  });
});
