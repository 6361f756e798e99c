/** How times, durations and kinds are written. */
import type { ObjectKind } from "../protocol";

export const KINDS: Readonly<Record<ObjectKind, string>> = {
  server: "Server",
  compute: "Compute",
  profile: "Trusted profile",
  link: "Link",
  claimRule: "Claim rule",
  policy: "Policy",
  serviceId: "Service ID",
};

/** `14:03:59`, UTC like everything of the emulator. */
export const timeOfDay = (time: string | number): string => new Date(time).toISOString().slice(11, 19);

export const dateAndTime = (time: string | number): string =>
  new Date(time).toISOString().slice(0, 19).replace("T", " ");

/** `59 min 3 s`; `over since 4 min` when it is past. */
export function timeLeft(untilMs: number, nowMs: number): string {
  const left = untilMs - nowMs;
  return left >= 0 ? `${duration(left)} left` : `expired ${duration(-left)} ago`;
}

export function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** A call that a fault left without answer has the status 0. */
export const statusText = (status: number): string => (status === 0 ? "no answer" : String(status));

export const statusClass = (status: number): string => (status >= 200 && status < 400 ? "good" : "bad");
