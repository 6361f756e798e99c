/** The transport over several calls: the pace that a server's 429 asks for, and the log that tells each attempt. */
import { send, CALL_LIMITS } from "../../client/http";
import { createLog } from "../../client/log";
import { rememberSecret } from "../../core/errors";
import { failureOf, request, testHttp } from "./http-call";
import type { Reply } from "./scripted-server";

const http = testHttp();

const ERROR_404: Reply = { status: 404, body: { trace: "trace-7", errors: [{ code: "not_found", message: "No." }] } };

describe("a 429 slows the whole process down", () => {
  it("lets nobody through before the time that the server named", async () => {
    const { url, seen } = await http.serving((_, index) =>
      index === 0 ? { status: 429, headers: { "retry-after": "5" } } : { body: {} },
    );
    const noRetry = { ...CALL_LIMITS, retry: { ...CALL_LIMITS.retry, maxRetries: 0 } };
    expect((await failureOf(send(http.transport, request(url), noRetry))).status).toBe(429);
    expect(http.transport.clock.slept).toEqual([]);
    await send(http.transport, request(`${url}/by-another-caller`));
    expect(http.transport.clock.slept).toEqual([5_000]);
    expect(seen).toHaveLength(2);
  });

  it("spaces the calls after it, and forgets it with success", async () => {
    const { url } = await http.serving((_, index) => (index === 0 ? { status: 429 } : { body: {} }));
    await send(http.transport, request(url));
    const before = http.transport.clock.slept.length;
    await send(http.transport, request(url));
    expect(http.transport.clock.slept.slice(before)).toEqual([25]);
    for (let calls = 0; calls < 10; calls++) await send(http.transport, request(url));
    const after = http.transport.clock.slept.length;
    await send(http.transport, request(url));
    expect(http.transport.clock.slept).toHaveLength(after);
  });

  it("does not send what would have to wait longer than a call may take", async () => {
    const { url, seen } = await http.serving(() => ({ status: 429, headers: { "retry-after": "9999" } }));
    expect((await failureOf(send(http.transport, request(url)))).status).toBe(429);
    const error = await failureOf(send(http.transport, request(url, { method: "POST" })));
    expect(error).toMatchObject({ code: "IBMID_TOO_MANY_REQUESTS", status: 0 });
    expect(seen).toHaveLength(1);
  });
});

describe("debug log", () => {
  it("tells each attempt, and no secret", async () => {
    const lines: string[] = [];
    const secret = "another-secret-0123456789abcdef";
    rememberSecret(secret);
    const log = createLog({ VPC_IDENTITY_LOG: "debug" }, (text) => lines.push(text));
    const { url } = await http.serving((_, index) => (index === 0 ? { status: 500 } : ERROR_404));
    const headers = { authorization: `Bearer ${secret}` };
    await failureOf(
      send(http.transport, request(`${url}/v1/a?marker=planted-marker&s=${secret}`, { headers }), CALL_LIMITS, log),
    );
    const all = lines.join("");
    expect(all).toContain("planted-marker");
    expect(all).toContain("attempt 1: 500");
    expect(all).toContain("attempt 2: 404 not_found request id trace-7");
    expect(all).not.toContain(secret);
  });

  it("is off unless asked for", () => {
    const lines: string[] = [];
    createLog({}, (text) => lines.push(text))(() => "x");
    expect(lines).toEqual([]);
  });
});
