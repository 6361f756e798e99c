/**
 * The installed script, `/usr/local/bin/vpc-identity`: the same text for every server. What differs is in its settings
 * file, so that an upgrade of this package changes one well-known file and a person can read both.
 */
import { SCRIPT_COMMANDS, SCRIPT_HEAD } from "./script-commands";
import { SCRIPT_CREDENTIALS } from "./script-credentials";
import { SCRIPT_DOCTOR } from "./script-doctor";
import { SCRIPT_HTTP } from "./script-http";
import { SCRIPT_JSON } from "./script-json";
import { SCRIPT_OPERATION } from "./script-operation";

const BODY = [SCRIPT_JSON, SCRIPT_HTTP, SCRIPT_CREDENTIALS, SCRIPT_OPERATION, SCRIPT_DOCTOR, SCRIPT_COMMANDS].join("");

/**
 * The whole script; POSIX sh, ends with a newline. Below its head it has no comments and no indentation: they are for
 * the reader of these sources, and would cost every server a kilobyte and a half of its user data.
 */
export const INSTALLED_SCRIPT =
  SCRIPT_HEAD.replace(/^ +/gm, "") + BODY.replace(/^ *(# .*\n)?/gm, "").replace(/\n{2,}/g, "\n");
