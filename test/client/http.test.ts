/** The transport against real sockets: repetition, timeouts, redirects and errors. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpsServer } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { send, CALL_LIMITS } from "../../client/http";
import type { HttpError } from "../../core/errors";
import type { Clock } from "../../core/time";
import { rememberSecret } from "../../core/errors";
import { failureOf, request, testHttp } from "./http-call";
import { startServer, testTransport, type Reply } from "./scripted-server";

const http = testHttp();

describe("repetition", () => {
  it("repeats a read until it succeeds, and waits in between", async () => {
    const { url, seen } = await http.serving((_, index) => (index < 2 ? { status: 503 } : { body: { ok: true } }));
    const answer = await send(http.transport, request(`${url}/a`));
    expect(answer.body).toEqual({ ok: true });
    expect(seen).toHaveLength(3);
    expect(http.transport.clock.slept).toEqual([250, 500]);
  });

  it("sends the same request id each time and reports the server's", async () => {
    const { url, seen } = await http.serving((_, index) =>
      index === 0 ? { status: 500 } : { body: {}, headers: { "x-request-id": "server-1" } },
    );
    const answer = await send(http.transport, request(url));
    const ids = new Set(seen.map(({ headers }) => headers["x-request-id"]));
    expect([...ids]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/)]);
    expect(answer.requestId).toBe("server-1");
  });

  it.each([
    { name: "500", reply: { status: 500 } },
    { name: "503 without a time", reply: { status: 503 } },
    { name: "a reset before the answer", reply: { instead: "reset" } },
    { name: "a reset in the middle of the answer", reply: { status: 201, text: '{"id":', instead: "cut" } },
    { name: "an answer that is no JSON", reply: { status: 201, text: "<html>" } },
  ] as { name: string; reply: Reply }[])("does not repeat a create after $name, and says so", async ({ reply }) => {
    const { url, seen } = await http.serving(() => reply);
    const error = await failureOf(send(http.transport, request(url, { method: "POST", body: "{}" })));
    expect(error.code).toBe("IBMID_OUTCOME_UNKNOWN");
    expect(seen).toHaveLength(1);
  });

  it.each([
    { name: "429", reply: { status: 429 }, waits: [250] },
    { name: "503 with a time", reply: { status: 503, headers: { "retry-after": "2" } }, waits: [2250] },
  ])("repeats a create after $name: nothing was done", async ({ reply, waits }) => {
    const { url, seen } = await http.serving((_, index) => (index === 0 ? reply : { status: 201, body: { id: "1" } }));
    const answer = await send(http.transport, request(url, { method: "POST", body: "{}" }));
    expect(answer.status).toBe(201);
    expect(seen).toHaveLength(2);
    expect(http.transport.clock.slept).toEqual(waits);
  });

  it("repeats a create when the connection is refused, since nothing was sent", async () => {
    const stopped = await startServer(() => ({}));
    const { url } = stopped;
    await stopped.close();
    const error = await failureOf(send(http.transport, request(url, { method: "POST", body: "{}" })));
    expect(error).toMatchObject({ code: "IBMID_NO_RESPONSE", status: 0 });
    expect(error.message).toContain("ECONNREFUSED");
    expect(http.transport.clock.slept).toHaveLength(CALL_LIMITS.retry.maxRetries);
  });

  it("ends within the time of the whole call", async () => {
    const { url } = await http.serving(() => ({ status: 500 }));
    const retry = { ...CALL_LIMITS.retry, totalMs: 2_000, maxRetries: 99 };
    const error = await failureOf(send(http.transport, request(url), { ...CALL_LIMITS, retry }));
    expect(error.status).toBe(500);
    expect(http.transport.clock.slept.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(2_000);
  });
});

describe("connections", () => {
  it("are kept and used again", async () => {
    const { url } = await http.serving(() => ({ body: {} }));
    let opened = 0;
    http.transport.dispatcher.on("connect", () => opened++);
    for (let call = 0; call < 20; call++) await send(http.transport, request(url));
    // The pool may open a second one while it still tidies up after the first answer.
    expect(opened).toBeLessThanOrEqual(2);
  });

  it("are as many as the pool allows, and the other calls wait for one", async () => {
    const pool = testTransport(0.5, { connectionsPerServer: 3 });
    let [busy, most] = [0, 0];
    const { url } = await http.serving(async () => {
      most = Math.max(most, ++busy);
      await new Promise((resolve) => setTimeout(resolve, 20));
      busy -= 1;
      return { body: {} };
    });
    await Promise.all(Array.from({ length: 12 }, () => send(pool, request(url))));
    await pool.close();
    expect(most).toBe(3);
  });

  it("that are not made in time are given up, and the request was never sent", async () => {
    const impatient = testTransport(0.5, { connectTimeoutMs: 200 });
    // Takes connections, and says nothing of what TLS needs to hear.
    const silent = createServer((socket) => socket.on("error", () => undefined).resume());
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as { port: number };
    const once = { ...CALL_LIMITS, retry: { ...CALL_LIMITS.retry, maxRetries: 1 } };
    const post = request(`https://127.0.0.1:${port}/`, { method: "POST" });
    const error = await failureOf(send(impatient, post, once));
    await impatient.close();
    await new Promise((resolve) => silent.close(resolve));
    expect(error).toMatchObject({ code: "IBMID_TIMEOUT", status: 0 });
    // Tried again, which a create that may have been sent never is.
    expect(impatient.clock.slept).toHaveLength(1);
  });

  it("end when an answer is larger than any that IBM sends", async () => {
    const small = testTransport(0.5, { maxBodyBytes: 1_000 });
    const { url, seen } = await http.serving(() => ({ body: { text: "x".repeat(2_000) } }));
    expect(await failureOf(send(small, request(url)))).toMatchObject({ code: "IBMID_NO_RESPONSE", status: 0 });
    await small.close();
    expect(seen).toHaveLength(1);
  });

  it("a certificate that is not trusted is final, and the request was never sent", async () => {
    const folder = mkdtempSync(join(tmpdir(), "vpc-identity-http-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    execFileSync(
      "openssl",
      ["req", "-x509", ...curve, "-nodes", "-keyout", key, "-out", cert, "-days", "1", "-subj", "/CN=localhost"],
      { stdio: "ignore" },
    );
    let requests = 0;
    const secure = createHttpsServer({ key: readFileSync(key), cert: readFileSync(cert) }, () => requests++);
    rmSync(folder, { recursive: true });
    await new Promise<void>((resolve) => secure.listen(0, "127.0.0.1", resolve));
    const { port } = secure.address() as { port: number };
    const error = await failureOf(send(http.transport, request(`https://127.0.0.1:${port}/`, { method: "POST" })));
    await new Promise((resolve) => secure.close(resolve));
    expect(error).toMatchObject({ code: "IBMID_NO_RESPONSE", status: 0 });
    expect(error.message).toMatch(/SELF_SIGNED/);
    expect([requests, http.transport.clock.slept]).toEqual([0, []]);
  });
});

describe("timeouts", () => {
  const limits = { retry: { ...CALL_LIMITS.retry, maxRetries: 1 }, requestTimeoutMs: 150 };

  it("waits for headers only so long, and tries again", async () => {
    const { url, seen } = await http.serving((_, index) => (index === 0 ? { instead: "never" } : { body: { ok: 1 } }));
    expect((await send(http.transport, request(url), limits)).body).toEqual({ ok: 1 });
    expect(seen).toHaveLength(2);
  });

  it("says that it timed out", async () => {
    const { url } = await http.serving(() => ({ instead: "never" }));
    expect(await failureOf(send(http.transport, request(url), limits))).toMatchObject({
      code: "IBMID_TIMEOUT",
      status: 0,
    });
  });

  it("does not know what became of a create that timed out", async () => {
    const { url, seen } = await http.serving(() => ({ instead: "never" }));
    const error = await failureOf(send(http.transport, request(url, { method: "POST" }), limits));
    expect(error).toMatchObject({ code: "IBMID_OUTCOME_UNKNOWN", status: 0 });
    expect(seen).toHaveLength(1);
  });

  it("ends a body that never ends", async () => {
    const drip = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{");
        const timer = setInterval(() => socket.write(" "), 40);
        socket.on("close", () => {
          clearInterval(timer);
        });
      });
    });
    await new Promise<void>((resolve) => drip.listen(0, "127.0.0.1", resolve));
    const { port } = drip.address() as { port: number };
    const error = await failureOf(
      send(http.transport, request(`http://127.0.0.1:${port}/`), {
        ...limits,
        retry: { ...limits.retry, maxRetries: 0 },
      }),
    );
    await http.transport.close();
    await new Promise((resolve) => drip.close(resolve));
    expect(error.code).toBe("IBMID_TIMEOUT");
  });

  it("stops when it is cancelled, while it waits to try again", async () => {
    const cancel = new AbortController();
    const { url, seen } = await http.serving(() => ({ status: 503 }));
    // Time stands still, so that only the signal can end the wait.
    const clock: Clock = {
      now: () => 0,
      sleep: (_ms, signal) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener("abort", () => reject(new Error("aborted")));
          cancel.abort();
        }),
    };
    const error = await failureOf(send({ ...http.transport, clock }, request(url, { signal: cancel.signal })));
    expect([error.code, seen.length]).toEqual(["IBMID_CANCELLED", 1]);
  });

  it("stops when it is cancelled, while it waits for an answer", async () => {
    const cancel = new AbortController();
    const { url } = await http.serving(() => {
      setTimeout(() => {
        cancel.abort();
      }, 20);
      return { instead: "never" };
    });
    const error = await failureOf(send(http.transport, request(url, { signal: cancel.signal })));
    expect(error.code).toBe("IBMID_CANCELLED");
  });
});

describe("redirects", () => {
  const bearer = { authorization: "Bearer eyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.c2ln" };

  it("follows the same server with the token, three times at most", async () => {
    const { url, seen } = await http.serving((_, index) =>
      index < 3 ? { status: 302, headers: { location: `/hop${index + 1}` } } : { body: { ok: true } },
    );
    expect((await send(http.transport, request(url, { headers: bearer }))).body).toEqual({ ok: true });
    expect(seen.map(({ url: path }) => path)).toEqual(["/", "/hop1", "/hop2", "/hop3"]);
    expect(seen.every(({ headers }) => headers.authorization === bearer.authorization)).toBe(true);
  });

  it("refuses a fourth", async () => {
    const { url, seen } = await http.serving((_, index) => ({ status: 307, headers: { location: `/hop${index}` } }));
    expect(await failureOf(send(http.transport, request(url)))).toMatchObject({ code: "IBMID_REDIRECT" });
    expect(seen).toHaveLength(4);
  });

  it.each([
    { name: "GET", method: "GET" as const, status: 302 },
    { name: "POST", method: "POST" as const, status: 307 },
  ])("never takes the token of a $name to another server", async ({ method, status }) => {
    const other = await startServer(() => ({ body: {} }));
    const { url } = await http.serving(() => ({ status, headers: { location: `${other.url}/steal` } }));
    const error = await failureOf(send(http.transport, request(url, { method, headers: bearer })));
    await other.close();
    expect(error.code).toBe("IBMID_REDIRECT");
    expect(other.seen).toEqual([]);
  });

  it("does not turn a create into a read", async () => {
    const { url, seen } = await http.serving(() => ({ status: 303, headers: { location: "/elsewhere" } }));
    const error = await failureOf(send(http.transport, request(url, { method: "POST", body: "{}" })));
    expect(error).toMatchObject({ code: "IBMID_REDIRECT", status: 303 });
    expect(seen).toHaveLength(1);
  });
});

describe("errors carry the server's words", () => {
  const table: { name: string; reply: Reply; expected: Partial<HttpError>; says: string }[] = [
    {
      name: "token service",
      reply: {
        status: 400,
        body: {
          errorCode: "BXNIM0415E",
          errorMessage: "Provided API key could not be found.",
          context: { requestId: "ctx-1" },
        },
      },
      expected: { code: "IBMID_BAD_REQUEST", serverCode: "BXNIM0415E", requestId: "ctx-1" },
      says: "BXNIM0415E: Provided API key could not be found. (request id ctx-1)",
    },
    {
      name: "IAM Identity",
      reply: {
        status: 409,
        headers: { "transaction-id": "tx-1" },
        body: {
          status_code: 409,
          errors: [{ code: "conflict", message_code: "BXNIM0105E", message: "Name taken.", details: "Use another." }],
        },
      },
      expected: { code: "IBMID_CONFLICT", serverCode: "conflict", requestId: "tx-1" },
      says: "conflict: Name taken. (BXNIM0105E) Use another. (request id tx-1)",
    },
    {
      name: "policies",
      reply: {
        status: 409,
        body: {
          trace: "t-9",
          errors: [
            {
              code: "policy_conflict_error",
              message: "Exists.",
              details: { conflicts_with: { etag: "1-a", policy: { id: "p1" } } },
            },
          ],
        },
      },
      expected: { requestId: "t-9", serverDetails: { conflicts_with: { etag: "1-a", policy: { id: "p1" } } } },
      says: "policy_conflict_error: Exists.",
    },
    {
      name: "VPC, several at once",
      reply: {
        status: 400,
        body: {
          trace: "t-2",
          errors: [
            { code: "bad_field", message: "Bad zone.", target: { name: "zone.name", type: "field" } },
            { code: "bad_field", message: "Bad image.", target: { name: "image", type: "field" } },
          ],
        },
      },
      expected: { serverCode: "bad_field", serverDetails: { name: "zone.name", type: "field" } },
      says: "Bad zone. [field zone.name]; Bad image. [field image]",
    },
    { name: "no body", reply: { status: 403 }, expected: { code: "IBMID_FORBIDDEN" }, says: "lacks a permission" },
    { name: "HTML", reply: { status: 404, text: "<p>" }, expected: { code: "IBMID_NOT_FOUND" }, says: "answered 404" },
  ];

  it.each(table)("$name", async ({ reply, expected, says }) => {
    const { url } = await http.serving(() => reply);
    const error = await failureOf(send(http.transport, request(`${url}/v1/things`)));
    expect(error).toMatchObject(expected);
    expect(error.message).toContain(says);
    expect(error.message).toContain(`do the thing: GET ${url}/v1/things answered ${reply.status ?? 0}`);
  });

  it("takes secrets out, in the message and in the details", async () => {
    const secret = "a-secret-of-the-caller-0123456789";
    rememberSecret(secret);
    const body = { errors: [{ code: "bad", message: `No ${secret}`, target: { name: "x", value: secret } }] };
    const { url } = await http.serving(() => ({ status: 400, body }));
    const error = await failureOf(send(http.transport, request(url)));
    expect(error.serverText).toContain("[redacted]");
    expect(`${error.message} ${JSON.stringify(error)}`).not.toContain(secret);
  });
});
