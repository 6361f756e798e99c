/** The clock is moved by the console, and a server that was booted for real renews what is due by that, and only that. */
import { followClock } from "../../cli/demo-clock";
import { startEmulator, type BootedServer, type Emulator } from "../../emulator";
import type { ConsoleAction, ServerLife } from "../../emulator/console/protocol";
import { until } from "../emulator/support";
import { makeAccount } from "./account";
import { Stream } from "./stream";

const STEP_MS = 30_000;

let emulator: Emulator;
let server: BootedServer;
let stream: Stream;
let unfollow: () => void;
const failures: string[] = [];

beforeAll(async () => {
  emulator = await startEmulator({ console: true, provisionSeconds: 0.1 });
  const account = await makeAccount(emulator);
  stream = await Stream.open(emulator.consoleUrl ?? "");
  server = await account.boot();
  unfollow = followClock(emulator, server, (reason) => failures.push(reason));
}, 60_000);

afterAll(async () => {
  unfollow();
  await server.shutdown();
  stream.close();
  await emulator.close();
});

const life = (): ServerLife | undefined => stream.messages.flatMap(({ data }) => data.lives ?? []).at(-1);

/** How often each has been issued. */
function issued(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { what } of life()?.issues ?? []) counts[what] = (counts[what] ?? 0) + 1;
  return counts;
}

const jump = (minutes: number): Promise<void> => act({ do: "advance", seconds: minutes * 60 });

async function act(action: ConsoleAction): Promise<void> {
  const { origin } = new URL(emulator.consoleUrl ?? "");
  const response = await fetch(`${emulator.consoleUrl}actions`, {
    method: "POST",
    headers: { origin },
    body: JSON.stringify(action),
  });
  expect(response.status).toBe(200);
}

it("boots, and its lines and what it was issued are told", async () => {
  await until(() => life()?.bootLog.at(-1) === "user data ended with exit code 0", STEP_MS);
  // One identity token to read the user data with, one of the script's own.
  expect(issued()).toEqual({ "identity token": 2, "IAM token": 1, certificate: 1 });
  expect(life()?.certificate?.chain).toEqual(["O=IBM Cloud VPC emulator, CN=Emulator Instance Identity CA"]);
});

it("renews the certificate after two thirds of its life, and not the token yet", async () => {
  await jump(42);
  await until(() => issued().certificate === 2, STEP_MS);
  expect(issued()["IAM token"]).toBe(1);
});

it("renews the token after four fifths of its life, and not the new certificate", async () => {
  await jump(8);
  await until(() => issued()["IAM token"] === 2, STEP_MS);
  expect([issued().certificate, failures]).toEqual([2, []]);
  const { stdout } = await server.exec([
    "openssl",
    "x509",
    "-in",
    "/run/vpc-identity/current/leaf.pem",
    "-noout",
    "-dates",
  ]);
  expect(Date.parse(/notBefore=(.+)/.exec(stdout)?.[1] ?? "") - Date.now()).toBeGreaterThan(40 * 60_000);
});

it("goes on after a renewal that failed, and tells of it once", async () => {
  const before = issued().certificate ?? 0;
  emulator.setFaults([{ path: "/identity/v1/certificates", status: 403, count: 0 }]);
  await jump(45);
  await until(() => failures.length === 1, STEP_MS);
  expect(failures[0]).toMatch(/vpc-identity renew ended with exit code [1-9]/);
  await jump(1);
  await until(() => emulator.journal().filter(({ status }) => status === 403).length >= 2, STEP_MS);
  emulator.setFaults([]);
  await jump(1);
  await until(() => issued().certificate === before + 1, STEP_MS);
  expect(failures).toHaveLength(1);
});
