/** The browser of the tests: Debian's Chromium, since playwright's own would be a download. */
import { existsSync } from "node:fs";
import { chromium, type Browser, type Locator } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";

/** Without a browser the tests of the page are skipped by name, and every run shows it. */
export const hasChromium = existsSync(CHROMIUM);

/** As root, which tests in a container are, Chromium has no sandbox; it opens nothing but our own page. */
export const launch = (): Promise<Browser> => chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });

/** Fails when it does not come into sight in the time that the page allows. */
export const expectSeen = (what: Locator): Promise<void> => what.waitFor();
