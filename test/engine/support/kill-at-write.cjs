// Preloaded (NODE_OPTIONS) into an engine that is to die: SIGKILL at the n-th time that the state file is replaced, in the middle of
// the write, right before or right after it. The engine itself knows nothing of this. Each replacement is counted in a file.
const fs = require("node:fs");
const { basename, dirname, join } = require("node:path");

const { KILL_STATE: state, KILL_COUNT: count, KILL_AT: at, KILL_WHEN: when } = process.env;

// Program and provider inherit the environment, and shall live.
if (process.argv[1]?.endsWith(join("bin", "pulumi"))) {
  const { renameSync, writeFileSync } = fs;
  const die = () => process.kill(process.pid, "SIGKILL");
  let writes = 0;
  const due = (moment) => when === moment && writes === Number(at);

  fs.writeFileSync = (file, content, ...rest) => {
    const isState = dirname(file) === dirname(state) && basename(file).startsWith(`.${basename(state)}.`);
    if (isState) writes += 1;
    if (isState && due("during")) {
      writeFileSync(file, content.slice(0, content.length / 2), ...rest);
      die();
    }
    writeFileSync(file, content, ...rest);
  };
  fs.renameSync = (from, to) => {
    if (to === state && due("before")) die();
    renameSync(from, to);
    if (to === state) writeFileSync(count, String(writes));
    if (to === state && due("after")) die();
  };
}
