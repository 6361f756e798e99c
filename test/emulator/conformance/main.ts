/** The command `npm run conformance`: one line a case, and at the end how many passed and failed. */
import { parseArgs } from "node:util";
import { startEmulator } from "../../../emulator";
import { run, type Implementation, type Result } from "./runner";

const HELP = `Usage: npm run conformance -- [options]

Runs the conformance cases against an implementation of IBM Cloud's IAM, VPC and on-instance identity APIs.
Without --url an emulator is started for it.

  --url URL            base URL of IAM and VPC (the VPC paths begin with /v1)
  --api-key KEY        API key of the account's owner; default: IBMCLOUD_API_KEY
  --metadata-url URL   services of a running server that has a linked default trusted profile and user data
  --admin-url URL      admin port of an emulator
  --json               one JSON object in place of the lines
`;

export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      url: { type: "string" },
      "api-key": { type: "string" },
      "metadata-url": { type: "string" },
      "admin-url": { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const emulator =
    values.url === undefined
      ? await startEmulator({ provisionSeconds: 0.2, actionSeconds: 0.1, deleteSeconds: 0.1 })
      : undefined;
  try {
    const apiKey = values["api-key"] ?? emulator?.apiKey ?? process.env.IBMCLOUD_API_KEY ?? "";
    const metadataUrl = values["metadata-url"];
    const adminUrl = values["admin-url"] ?? emulator?.adminUrl;
    const implementation: Implementation = {
      url: (values.url ?? emulator?.url ?? "").replace(/\/$/, ""),
      apiKey,
      ...(metadataUrl === undefined ? {} : { metadataUrl }),
      ...(adminUrl === undefined ? {} : { adminUrl }),
    };
    const results = await run(implementation, (result) => {
      if (!values.json) process.stdout.write(line(result));
    });
    const count = (outcome: Result["outcome"]): number => results.filter((item) => item.outcome === outcome).length;
    const [passed, failed, skipped] = [count("passed"), count("failed"), count("skipped")];
    process.stdout.write(
      values.json
        ? `${JSON.stringify({ passed, failed, skipped, cases: results })}\n`
        : `${skipped} skipped\n${passed} passed, ${failed} failed\n`,
    );
    return failed === 0 ? 0 : 1;
  } finally {
    await emulator?.close();
  }
}

function line({ id, title, outcome, reason }: Result): string {
  const word = { passed: "ok  ", failed: "FAIL", skipped: "skip" }[outcome];
  return `${word} ${id.padEnd(4)} ${title}${reason === undefined ? "" : `: ${reason}`}\n`;
}
