/** The decision to repeat a call, as tables. */
import * as fc from "fast-check";
import { decide, failureOf, RETRY_POLICY, retryAfterMs, type Failure } from "../../client/retry";

const first = { retries: 0, elapsedMs: 0 };

describe("which failures are repeated", () => {
  const table: { name: string; failure: Failure; read: boolean; create: boolean; createMaybeActed: boolean }[] = [
    { name: "429", failure: { status: 429, sent: true }, read: true, create: true, createMaybeActed: false },
    {
      name: "429 with a time",
      failure: { status: 429, sent: true, retryAfterMs: 1000 },
      read: true,
      create: true,
      createMaybeActed: false,
    },
    {
      name: "503 with a time",
      failure: { status: 503, sent: true, retryAfterMs: 1000 },
      read: true,
      create: true,
      createMaybeActed: false,
    },
    { name: "503", failure: { status: 503, sent: true }, read: true, create: false, createMaybeActed: true },
    { name: "500", failure: { status: 500, sent: true }, read: true, create: false, createMaybeActed: true },
    { name: "502", failure: { status: 502, sent: true }, read: true, create: false, createMaybeActed: true },
    { name: "504", failure: { status: 504, sent: true }, read: true, create: false, createMaybeActed: true },
    { name: "520", failure: { status: 520, sent: true }, read: true, create: false, createMaybeActed: true },
    { name: "599", failure: { status: 599, sent: true }, read: true, create: false, createMaybeActed: true },
    { name: "408", failure: { status: 408, sent: true }, read: true, create: false, createMaybeActed: true },
    { name: "501", failure: { status: 501, sent: true }, read: false, create: false, createMaybeActed: true },
    { name: "400", failure: { status: 400, sent: true }, read: false, create: false, createMaybeActed: false },
    { name: "401", failure: { status: 401, sent: true }, read: false, create: false, createMaybeActed: false },
    { name: "404", failure: { status: 404, sent: true }, read: false, create: false, createMaybeActed: false },
    { name: "409", failure: { status: 409, sent: true }, read: false, create: false, createMaybeActed: false },
    { name: "lost answer", failure: { status: 0, sent: true }, read: true, create: false, createMaybeActed: true },
    { name: "never sent", failure: { status: 0, sent: false }, read: true, create: true, createMaybeActed: false },
    {
      name: "untrusted certificate",
      failure: { status: 0, sent: false, permanent: true },
      read: false,
      create: false,
      createMaybeActed: false,
    },
  ];

  it.each(table)("$name", ({ failure, read, create, createMaybeActed }) => {
    const reading = decide(failure, { ...first, repeatable: true }, RETRY_POLICY, 0.5);
    const creating = decide(failure, { ...first, repeatable: false }, RETRY_POLICY, 0.5);
    expect({ read: reading.retry, create: creating.retry }).toEqual({ read, create });
    expect(creating.retry ? false : creating.maybeActed).toBe(createMaybeActed);
    expect(reading.retry ? false : reading.maybeActed).toBe(false);
  });
});

describe("how long and how often", () => {
  const failure = { status: 500, sent: true };

  it.each([
    { name: "first", retries: 0, random: 0.999999, delayMs: 500 },
    { name: "third", retries: 2, random: 0.999999, delayMs: 2_000 },
    { name: "capped", retries: 5, random: 0.999999, delayMs: 10_000 },
    { name: "full jitter reaches down to nothing", retries: 5, random: 0, delayMs: 0 },
  ])("$name", ({ retries, random, delayMs }) => {
    expect(decide(failure, { retries, elapsedMs: 0, repeatable: true }, RETRY_POLICY, random)).toEqual({
      retry: true,
      delayMs,
    });
  });

  it("gives up after the allowed number", () => {
    const attempts = { retries: RETRY_POLICY.maxRetries, elapsedMs: 0, repeatable: true };
    expect(decide(failure, attempts, RETRY_POLICY, 0)).toEqual({ retry: false, because: "count", maybeActed: false });
  });

  it("gives up at once when the server names a time beyond the whole call", () => {
    const late = { status: 429, sent: true, retryAfterMs: RETRY_POLICY.totalMs };
    expect(decide(late, { ...first, repeatable: true }, RETRY_POLICY, 0)).toMatchObject({ because: "time" });
  });

  it("never waits less than the server asked, nor beyond the whole call", () => {
    fc.assert(
      fc.property(
        fc.record({
          retries: fc.nat(20),
          elapsedMs: fc.nat(400_000),
          random: fc.double({ min: 0, max: 0.999999, noNaN: true }),
          retryAfterMs: fc.option(fc.nat(400_000), { nil: undefined }),
        }),
        ({ retries, elapsedMs, random, retryAfterMs: asked }) => {
          const decision = decide(
            { status: 429, sent: true, retryAfterMs: asked },
            { retries, elapsedMs, repeatable: false },
            RETRY_POLICY,
            random,
          );
          if (!decision.retry) return true;
          return (
            retries < RETRY_POLICY.maxRetries &&
            decision.delayMs >= (asked ?? 0) &&
            elapsedMs + decision.delayMs < RETRY_POLICY.totalMs
          );
        },
      ),
    );
  });
});

describe("Retry-After", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  it.each([
    { name: "seconds", header: "7", expected: 7_000 },
    { name: "a date", header: "Thu, 01 Jan 2026 00:00:30 GMT", expected: 30_000 },
    { name: "a date that is over", header: "Wed, 31 Dec 2025 23:00:00 GMT", expected: 0 },
    { name: "nonsense", header: "soon", expected: undefined },
    { name: "nothing", header: undefined, expected: undefined },
  ])("$name", ({ header, expected }) => {
    expect(retryAfterMs(header, now)).toBe(expected);
  });
});

describe("what a connection error says", () => {
  it.each([
    { code: "ECONNREFUSED", sent: false, permanent: false },
    { code: "UND_ERR_CONNECT_TIMEOUT", sent: false, permanent: false },
    { code: "EAI_AGAIN", sent: false, permanent: false },
    { code: "ENOTFOUND", sent: false, permanent: true },
    { code: "SELF_SIGNED_CERT_IN_CHAIN", sent: false, permanent: true },
    { code: "ERR_TLS_CERT_ALTNAME_INVALID", sent: false, permanent: true },
    { code: "ECONNRESET", sent: true, permanent: false },
    { code: "UND_ERR_SOCKET", sent: true, permanent: false },
    { code: "UND_ERR_HEADERS_TIMEOUT", sent: true, permanent: false },
    { code: "UND_ERR_BODY_TIMEOUT", sent: true, permanent: false },
  ])("$code", ({ code, sent, permanent }) => {
    expect(failureOf(Object.assign(new Error("x"), { code }))).toEqual({ status: 0, sent, permanent });
  });

  it("a refused connect by its system call", () => {
    const error = Object.assign(new Error("x"), { code: "ETIMEDOUT", syscall: "connect" });
    expect(failureOf(error).sent).toBe(false);
  });
});
