/** Exit codes of the command on the server: one table for the script's own head, for programs and for people. */

/**
 * What an exit code of `/usr/local/bin/vpc-identity` means. `status` has codes of its own: 0 all fresh, 1 something due,
 * 2 expired, 3 missing.
 */
export const EXIT_CODES = {
  0: "done",
  1: "the disk or a tool of this server failed",
  2: "wrong usage or settings",
  3: "a tool is missing",
  4: "the metadata service gives no answer",
  5: "a request was refused",
  6: "the service failed, or asked to wait for too long",
  7: "an answer made no sense",
  8: "a certificate was refused here, or the clock is wrong",
  9: "another run held the lock for too long",
  129: "ended by SIGHUP",
  130: "ended by SIGINT",
  143: "ended by SIGTERM",
} as const;
