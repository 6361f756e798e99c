/** Where a booting server finds its user data: its own metadata service, asked with its own identity token. */
import { request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";

const QUERY = "version=2025-08-26";
const TIMEOUT_MS = 10_000;

type Ask = (method: string, path: string, headers: Record<string, string>) => Promise<Record<string, unknown>>;

/** The user data of the server that the socket belongs to, whichever protocol its metadata service speaks. */
export async function fetchUserData(socket: string): Promise<string> {
  const plain = asker(socket, false);
  const secure = asker(socket, true);
  // The protocol that the service does not speak gets no answer at all, so waiting for one before trying the other is long.
  const attempt = async (ask: Ask): Promise<{ ask: Ask; answer: Record<string, unknown> }> => ({
    ask,
    answer: await ask("PUT", `/identity/v1/token?${QUERY}`, {}),
  });
  const first = attempt(plain);
  const { ask, answer } = await Promise.any([first, attempt(secure)]).catch(() => first);
  if (typeof answer.access_token !== "string") throw new Error("The metadata service gave no instance identity token.");
  const initialization = await ask("GET", `/metadata/v1/instance/initialization?${QUERY}`, {
    Authorization: `Bearer ${answer.access_token}`,
  });
  if (typeof initialization.user_data !== "string") throw new Error("The server has no user data to boot.");
  return initialization.user_data;
}

function asker(socketPath: string, secure: boolean): Ask {
  return (method, path, headers) =>
    new Promise((resolve, reject) => {
      const body = method === "PUT" ? "{}" : "";
      const common = {
        "Content-Length": String(body.length),
        "Metadata-Flavor": "ibm",
        "Content-Type": "application/json",
      };
      const options = { socketPath, method, path, timeout: TIMEOUT_MS, headers: { ...common, ...headers } };
      // The socket itself says who answers; the name in the certificate adds nothing to that.
      const outgoing = secure
        ? tlsRequest({ ...options, servername: "api.metadata.cloud.ibm.com", rejectUnauthorized: false })
        : plainRequest(options);
      outgoing.on("response", (response) => {
        let answer = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => (answer += chunk));
        response.on("end", () => {
          const status = response.statusCode ?? 0;
          if (status === 200) resolve(JSON.parse(answer) as Record<string, unknown>);
          else
            reject(
              new Error(`The metadata service answered ${method} ${path} with ${status}: ${answer.slice(0, 400)}`),
            );
        });
      });
      outgoing.on("timeout", () =>
        outgoing.destroy(new Error("The metadata service does not answer (is it enabled?); pass `userData` to boot.")),
      );
      outgoing.on("error", reject);
      outgoing.end(body);
    });
}
