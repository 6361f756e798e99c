/**
 * `vpc-identity doctor`: what has to be there before `up` can work, looked at without changing anything: this machine,
 * the project, the credentials, the services, and what the credentials are allowed to do.
 */
import { textOf, type Check } from "./check";
import { EXIT, type Command } from "./command";
import { checkAccount } from "./doctor-account";
import { checkMachine } from "./doctor-machine";
import { checkPermissions } from "./doctor-permissions";
import { checkProject } from "./doctor-project";
import { SETTINGS } from "./settings";

const { stack, cwd, engine } = SETTINGS;

export const command: Command = {
  name: "doctor",
  summary: "Checks credentials, permissions, services, engine and versions, and says how to mend what is missing",
  flags: {
    stack,
    cwd,
    engine,
    json: { type: "boolean", about: "{healthy, checks[]} on standard output, nothing else" },
  },
  help: `Nothing is changed, and no secret is shown. What cannot be told without changing something is marked "?" and counts as
well; "-" could not be looked at because of something else. Exit code 1 when anything is MISSING.`,
  async run(flags) {
    const json = flags.on("json");
    const checks: Check[] = [];
    const tell = (found: readonly Check[]): void => {
      checks.push(...found);
      if (!json) process.stdout.write(found.map(textOf).join(""));
    };
    tell(checkMachine(flags));
    const project = await checkProject(flags);
    tell(project.checks);
    const account = await checkAccount(project.config, process.env);
    tell(account.checks);
    tell(await checkPermissions(account.session));
    const missing = checks.filter(({ verdict }) => verdict === "missing");
    const healthy = missing.length === 0;
    if (json) process.stdout.write(`${JSON.stringify({ healthy, checks })}\n`);
    else {
      const count = (verdict: Check["verdict"]): number => checks.filter((check) => check.verdict === verdict).length;
      process.stdout.write(
        `\ndoctor: ${count("ok")} ok, ${missing.length} missing, ${count("unclear")} cannot be told\n`,
      );
    }
    return healthy ? EXIT.done : EXIT.failed;
  },
};
