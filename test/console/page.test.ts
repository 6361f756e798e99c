/** The console's page in a real browser: every view, every button, keyboard and screen reader, and nothing secret. */
import type { Browser, Page } from "playwright-core";
import { startEmulator, type Emulator } from "../../emulator";
import { IDENTITY, textOf, until, VPC } from "../emulator/support";
import { makeAccount, type Account } from "./account";
import { expectSeen, hasChromium, launch } from "./chromium";
import { Stream } from "./stream";

const describeInBrowser = hasChromium ? describe : describe.skip;
const WAIT_MS = 8000;
/** Starting, stopping and rebooting take as long as the test says, whatever else the machine does. */
const ACTION_SECONDS = 60;

describeInBrowser("the console's page (skipped where there is no Chromium, and every run shows it)", () => {
  let browser: Browser;
  let emulator: Emulator;
  let account: Account;
  let page: Page;
  /** What went wrong on the page itself. */
  const complaints: string[] = [];
  /** Everything that the browser was sent. */
  const received: string[] = [];

  beforeAll(async () => {
    emulator = await startEmulator({ console: true, provisionSeconds: 0.1, actionSeconds: ACTION_SECONDS });
    browser = await launch();
    account = await makeAccount(emulator);
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(WAIT_MS);
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("response", (response) => {
      if (response.url().endsWith("/events")) return;
      response.text().then(
        (text) => received.push(text),
        () => undefined,
      );
    });
    await page.goto(emulator.consoleUrl ?? "");
    await expectSeen(page.getByText("live", { exact: true }));
  });

  afterAll(async () => {
    await browser.close();
    await emulator.close();
  });

  afterEach(() => expect(complaints.splice(0)).toEqual([]));

  const open = async (view: string): Promise<void> => {
    await page.getByRole("link", { name: view }).click();
    await expectSeen(page.getByRole("region", { name: view === "Faults & time" ? "Faults and time" : view }));
  };
  const present = () => emulator.inventory().instances.find(({ id }) => id === account.first.id);

  it("draws the account, and tells all of what is chosen", async () => {
    await open("Map");
    await page.getByRole("button", { name: "Trusted profile app, 3 links · 0 claim rules" }).click();
    const details = page.getByRole("complementary", { name: "Details" });
    expect(await details.getByRole("heading", { level: 2 }).textContent()).toBe("app");
    expect(await details.locator("pre").textContent()).toContain(`"iam_id": "iam-${account.profile.id}"`);
    expect(await details.getByRole("listitem").allTextContents()).toEqual([
      expect.stringMatching(/created$/),
      expect.stringMatching(/201 POST \/v1\/profiles by owner$/),
    ]);
    // The way to it is lit, the rest stands back.
    expect(await page.locator(".node.dim").count()).toBe(3);
    await page.getByRole("button", { name: "Close details" }).click();
  });

  it("follows lines by the arrow keys", async () => {
    await page.getByRole("button", { name: /^Server app-1,/ }).focus();
    const focused = (): Promise<string | null> => page.locator(":focus").getAttribute("aria-label");
    const go = async (key: string, to: RegExp): Promise<void> => {
      await page.keyboard.press(key);
      await until(async () => to.test((await focused()) ?? ""), WAIT_MS);
    };
    await go("ArrowRight", /^Link|^Claim rule/);
    await go("ArrowRight", /^Trusted profile/);
    await go("ArrowRight", /^Policy/);
    await go("ArrowLeft", /^Trusted profile/);
    await page.keyboard.press("Enter");
    await expectSeen(page.getByRole("complementary", { name: "Details" }));
    await until(async () => /^(app|reports)$/.test((await page.locator(":focus").textContent()) ?? ""), WAIT_MS);
    await page.keyboard.press("Escape");
    await until(async () => (await page.getByRole("complementary", { name: "Details" }).count()) === 0);
    // Back where it was opened.
    expect(await focused()).toMatch(/^Trusted profile/);
  });

  it("shows the same as a table", async () => {
    await page.getByRole("button", { name: "Table" }).click();
    const rows = page.getByRole("table", { name: "Who may become what, and may do what" }).getByRole("row");
    expect(await rows.allTextContents()).toEqual([
      "Whobybecomeswhich may",
      ...["app-1", "app-2", "app-3"].map((name) => `${name}Link to ${name}appOperator service: is`),
      ...["app-1", "app-2", "app-3"].map((name) => `${name}Claim rule servers of zone 1reportsViewer service: is`),
    ]);
    await page.getByRole("button", { name: "Graph" }).click();
  });

  it("adds what is made, and fades what is deleted", async () => {
    const { id } = await account.api.profile("passing");
    await expectSeen(page.getByRole("button", { name: /^Trusted profile passing/ }));
    await account.api.must(`DELETE /v1/profiles/${id}`);
    const gone = page.getByRole("button", { name: /^Trusted profile passing.*deleted$/ });
    await expectSeen(gone);
    expect(await gone.getAttribute("class")).toContain("gone");
  });

  it("lists every call, and filters by words, resource and status", async () => {
    const token = await account.api.serverToken(account.first.url);
    await account.api.send(`DELETE /v1/instances/${account.first.id}?${VPC}`, undefined, { token });
    await open("Timeline");
    const calls = page.getByRole("table", { name: "Calls" });
    const texts = async (): Promise<string[]> => calls.getByRole("row").allTextContents();
    await page.getByLabel("Status").selectOption("4xx");
    await until(async () => (await texts()).length === 2);
    expect((await texts())[1]).toMatch(/^\d\d:\d\d:\d\d403DELETE \/v1\/instances\/\S+app[\d.]+[0-9a-f]{32}$/);
    await calls.getByRole("row").nth(1).click();
    const chosen = page.getByRole("region", { name: "Chosen call" });
    expect(await chosen.textContent()).toContain(emulator.journal().at(-1)?.requestId ?? "none");
    await page.getByLabel("Status").selectOption("any status");
    const resource = page.getByLabel("Resource");
    await resource.selectOption({ label: "app-2" });
    await until(async () => (await page.locator(".count").textContent())?.startsWith("1 of ") === true);
    const kinds = await page.evaluate("[...document.querySelectorAll('optgroup')].map((one) => one.label)");
    expect(kinds).toEqual(["Server", "Trusted profile", "Link", "Claim rule", "Policy"]);
    await resource.selectOption(account.policyId);
    await until(async () => (await texts()).some((text) => text.includes("201POST /v2/policies")));
    expect(await texts()).toHaveLength(2);
    await resource.selectOption({ label: "passing, deleted" });
    await until(async () => (await texts()).some((text) => text.includes("204DELETE /v1/profiles/")));
    await resource.selectOption({ label: "all" });
    await page.getByLabel("Search").fill("nothing-has-this");
    await expectSeen(page.getByText("No call fits the filter."));
    await page.getByLabel("Search").fill("");
  });

  it("stops, starts and reboots a server", async () => {
    await open("Servers");
    await page.getByRole("button", { name: /^app-1/ }).click();
    const badge = page.locator(".badge");
    const shows = (status: string): Promise<void> => badge.getByText(status, { exact: true }).waitFor();
    const button = (name: string) => page.getByRole("button", { name, exact: true });
    expect(await button("Start").isDisabled()).toBe(true);
    await button("Stop").click();
    await shows("stopping");
    emulator.advance(ACTION_SECONDS);
    await shows("stopped");
    expect([present()?.status, await button("Stop").isDisabled(), await button("Reboot").isDisabled()]).toEqual([
      "stopped",
      true,
      true,
    ]);
    await button("Start").click();
    await shows("starting");
    emulator.advance(ACTION_SECONDS);
    await shows("running");
    await button("Reboot").click();
    await shows("restarting");
    emulator.advance(ACTION_SECONDS);
    await shows("running");
    expect(await page.getByRole("status").textContent()).toContain("/actions: 201");
  });

  it("switches the metadata service, its protocol and its hop limit", async () => {
    const service = page.getByRole("switch", { name: "Service" });
    const expected = async (found: object): Promise<void> =>
      until(() => JSON.stringify(present()?.metadata_service) === JSON.stringify(found), WAIT_MS);
    await service.click();
    await expected({ enabled: false, protocol: "http", response_hop_limit: 1 });
    await expectSeen(page.locator('[role="switch"][aria-checked="false"]'));
    await service.click();
    await page.getByRole("button", { name: "https" }).click();
    await expected({ enabled: true, protocol: "https", response_hop_limit: 1 });
    await page.getByLabel("Hop limit").fill("5");
    await page.getByLabel("Hop limit").press("Tab");
    await expected({ enabled: true, protocol: "https", response_hop_limit: 5 });
    await page.getByRole("button", { name: "http", exact: true }).click();
    await expected({ enabled: true, protocol: "http", response_hop_limit: 5 });
  });

  it("shows tokens by their claims, with the time that is left", async () => {
    await account.api.serverToken(account.first.url);
    const token = page.locator("details", { hasText: "IAM token as app" });
    await expectSeen(token.getByText(/59 min \d+ s left/));
    await token.locator("summary").click();
    expect(await token.locator("pre").textContent()).toContain(`"iam_id": "iam-${account.profile.id}"`);
    await expectSeen(page.getByRole("img", { name: /^Renewals: \d+ times identity token.*no certificate$/ }));
  });

  it("puts a fault on a route, switches it off and on, and removes it", async () => {
    await open("Faults & time");
    await page.getByLabel("Route").selectOption({ label: "GET /v1/vpcs" });
    await page.getByLabel("Effect").selectOption("answers 503, Retry-After 1");
    await page.getByRole("button", { name: "Add fault" }).click();
    const fault = page.getByRole("switch", { name: "Fault status 503, retryAfterSeconds 1 on GET /v1/vpcs" });
    const asked = async (): Promise<number> => (await account.api.send(`GET /v1/vpcs?${VPC}`)).status;
    await expectSeen(fault);
    expect(await asked()).toBe(503);
    await expectSeen(page.getByText("in the cloud, status 503, retryAfterSeconds 1, without end, struck 1"));
    await fault.click();
    await expectSeen(page.locator('.faults [aria-checked="false"]'));
    expect(await asked()).toBe(200);
    await fault.click();
    await expectSeen(page.locator('.faults [aria-checked="true"]'));
    expect(await asked()).toBe(503);
    await page.getByRole("button", { name: "Remove fault status 503, retryAfterSeconds 1 on GET /v1/vpcs" }).click();
    await expectSeen(page.getByText("Nothing goes wrong on purpose."));
    expect(await asked()).toBe(200);
  });

  it("says that a fault is used up, and arms it anew", async () => {
    await page.getByLabel("How often").selectOption("once");
    await page.getByLabel("Effect").selectOption("resets the connection");
    await page.getByRole("button", { name: "Add fault" }).click();
    const fault = page.getByRole("switch", { name: "Fault reset before on GET /v1/vpcs" });
    const asked = (): Promise<number> =>
      account.api.send(`GET /v1/vpcs?${VPC}`).then(
        ({ status }) => status,
        () => 0,
      );
    await expectSeen(fault);
    expect([await asked(), await asked()]).toEqual([0, 200]);
    await expectSeen(page.getByText("1 times, struck 1, used up"));
    expect(await fault.textContent()).toBe("off");
    await fault.click();
    await expectSeen(page.getByText("1 times, struck 0"));
    expect([await asked(), await asked()]).toEqual([0, 200]);
    await page.getByRole("button", { name: /^Remove fault reset before/ }).click();
    await open("Timeline");
    await page.getByLabel("Status").selectOption("no answer");
    await until(async () => (await page.locator(".count").textContent())?.startsWith("2 of ") === true);
    await page.getByText("no answer", { exact: true }).nth(1).waitFor();
    await page.getByLabel("Status").selectOption("any status");
    await open("Faults & time");
  });

  it("jumps in time, and shows what has ended by that", async () => {
    const ahead = async (): Promise<number> => {
      const { now } = (await account.api.admin("GET /_emulator/time")).body;
      return Math.abs(Math.round((Date.parse(textOf(now)) - Date.now()) / 60_000));
    };
    const before = await ahead();
    await page.getByRole("button", { name: "+ 40 min" }).click();
    await expectSeen(page.getByText(/IAM token of app-1(19|20) min \d+ s left/));
    await page.getByLabel("Minutes").fill("25");
    await page.getByRole("button", { name: "Jump" }).click();
    await expectSeen(page.getByText(/IAM token of app-1expired [45] min \d+ s ago/));
    expect((await ahead()) - before).toBe(65);
    await account.api.logIn();
  });

  it("explains what a server may do, and takes part when that changes", async () => {
    await open("Why");
    await expectSeen(page.getByRole("heading", { name: "Allowed" }));
    await expectSeen(page.getByText("Yes: Policy Operator allows is.instance.instance.list."));
    await page.getByLabel("do").selectOption("is.instance.instance.delete");
    await expectSeen(page.getByRole("heading", { name: "Denied" }));
    await page.getByText("No: Policy Viewer: its roles do not allow is.instance.instance.delete.").click();
    await expectSeen(page.getByRole("complementary", { name: "Details" }).getByRole("heading", { name: "Viewer" }));
    await account.api.policy(account.profile.iamId, "Editor");
    await expectSeen(page.getByRole("heading", { name: "Allowed" }));
    await page.getByRole("button", { name: "Close details" }).click();
  });

  it("holds nothing secret, on any view or in what it is sent", async () => {
    const MARKER = `marked-secret-${"y".repeat(20)}`;
    const stream = await Stream.open(emulator.consoleUrl ?? "");
    const made = await account.api.server({
      name: "marked",
      user_data: `#!/bin/sh\nPASSWORD=${MARKER}\n`,
      default_trusted_profile: { target: { id: account.profile.id } },
    });
    const iamToken = await account.api.serverToken(made.url);
    await account.api.must(
      `PUT ${made.url}/identity/v1/token?${IDENTITY}`,
      { nonce: MARKER },
      { token: null, headers: { "Metadata-Flavor": "ibm" } },
    );
    await account.api.send(`GET /v1/instances/visible-control?${VPC}&apikey=${MARKER}`);
    const seen: string[] = [];
    for (const view of ["Map", "Timeline", "Servers", "Faults & time", "Why"]) {
      await open(view);
      if (view === "Map") await page.getByRole("button", { name: /^Server marked/ }).click();
      if (view === "Servers") await page.getByRole("button", { name: /^marked/ }).click();
      if (view === "Timeline") await expectSeen(page.getByText("visible-control"));
      seen.push(await page.content());
      if (view === "Map") await page.getByRole("button", { name: "Close details" }).click();
    }
    const everything = [...seen, ...received, stream.text].join("\n");
    const secrets = { MARKER, iamToken, apiKey: emulator.apiKey };
    expect(Object.entries(secrets).filter(([, secret]) => everything.includes(secret))).toEqual([]);
    expect(everything).not.toMatch(/eyJ[\w-]{10,}\.eyJ|BEGIN [A-Z ]*PRIVATE KEY/);
    for (const control of ["visible-control", " bytes, SHA-256 "]) expect(seen.join("\n")).toContain(control);
    expect(received.join("\n")).toContain("may not: ");
    stream.close();
  });

  it("is as wide as the window, in both themes", async () => {
    for (const width of [1280, 400]) {
      await page.setViewportSize({ width, height: 800 });
      for (const view of ["Map", "Timeline", "Servers", "Faults & time", "Why"]) {
        await open(view);
        // The page itself never scrolls; what is too wide would be cut off or make its view scroll.
        const tooWide = await page.evaluate(
          "[...document.querySelectorAll('body, main, .view')].filter((one) => one.scrollWidth > one.clientWidth).map(String)",
        );
        expect([view, width, tooWide]).toEqual([view, width, []]);
      }
    }
    const paper = async (colorScheme: "light" | "dark"): Promise<unknown> => {
      await page.emulateMedia({ colorScheme });
      return page.evaluate("getComputedStyle(document.body).backgroundColor");
    };
    expect(await paper("light")).not.toEqual(await paper("dark"));
    await page.setViewportSize({ width: 1280, height: 800 });
  });

  it("begins anew when the account is reset, and says when the emulator is gone", async () => {
    await open("Map");
    await account.api.admin("POST /_emulator/reset");
    await expectSeen(page.getByRole("button", { name: /^Server app-1.*deleted$/ }));
    await open("Servers");
    await expectSeen(page.getByText("No server yet."));
    await open("Timeline");
    await expectSeen(page.getByText("No call has been made yet."));
    await emulator.close();
    await expectSeen(page.getByRole("alert").getByText("The emulator does not answer."));
    complaints.splice(0);
  });
});
