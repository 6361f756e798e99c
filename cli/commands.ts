/** All commands there are, in the order in which the help shows them; loaded one at a time, so that each starts at once. */
import type { Command } from "./command";

export const COMMANDS: Readonly<Record<string, () => Promise<{ command: Command }>>> = {
  up: () => import("./up.js"),
  preview: () => import("./preview.js"),
  refresh: () => import("./refresh.js"),
  destroy: () => import("./destroy.js"),
  output: () => import("./output.js"),
  cancel: () => import("./cancel.js"),
  bootstrap: () => import("./bootstrap.js"),
  doctor: () => import("./doctor.js"),
  demo: () => import("./demo.js"),
  emulator: () => import("./emulator.js"),
};
