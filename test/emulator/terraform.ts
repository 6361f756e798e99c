/**
 * What IBM's Terraform provider asks in the course of apply, plan, update, import and destroy, in its order, and the
 * members of the answers without which it crashes, loops or shows a change that is none.
 */
import { generateKeyPairSync } from "node:crypto";
import type { Emulator } from "../../emulator";
import { Api, textOf, until, type Json } from "./support";

/** The provider's own version of the VPC API. */
export const Q = "version=2026-03-24&generation=2";

export function needed(value: Json | undefined): Json {
  if (value === undefined) throw new Error("a member is missing");
  return value;
}

/** Fails with the path of the first member that is missing. */
export function expectMembers(body: Json, ...paths: readonly string[]): void {
  const missing = paths.filter((path) => {
    let values: (Json | undefined)[] = [body];
    for (const part of path.split(".")) {
      const list = part.endsWith("[]");
      values = values.map((value) => value?.[part.replace("[]", "")]);
      if (list) values = values.flatMap((value) => (Array.isArray(value) ? (value as Json[]) : [undefined]));
    }
    return values.some((value) => (value ?? undefined) === undefined);
  });
  if (missing.length > 0) throw new Error(`the answer has no ${missing.join(", ")}`);
}

/** The calls that several resources have in common. */
export class Terraform extends Api {
  /** Configures as the provider does: twice with a client, once without. */
  override async logIn(): Promise<this> {
    const form = {
      apikey: this.emulator.apiKey,
      grant_type: "urn:ibm:params:oauth:grant-type:apikey",
      response_type: "cloud_iam",
    };
    for (const headers of [{ Authorization: "Basic Yng6Yng=" }, { Authorization: "Basic Yng6Yng=" }, {}]) {
      const body = await this.must("POST /identity/token", undefined, { token: null, form, headers });
      expectMembers(body, "access_token", "refresh_token", "token_type", "expires_in", "expiration");
      this.token = textOf(body.access_token);
    }
    const claims = JSON.parse(Buffer.from(this.token.split(".")[1] ?? "", "base64url").toString()) as Json;
    expectMembers(claims, "id", "account.bss", "iss", "email");
    // Any other issuer makes the provider believe that it talks to a staging environment.
    if (!textOf(claims.iss).startsWith("https://iam.cloud.ibm.com")) throw new Error(`issuer is ${textOf(claims.iss)}`);
    return this;
  }

  get(path: string): Promise<Json> {
    return this.must(`GET ${path}`);
  }

  vpc(path: string): Promise<Json> {
    return this.get(`/v1/${path}${path.includes("?") ? "&" : "?"}${Q}`);
  }

  status(path: string, wanted: string): Promise<void> {
    return until(async () => textOf((await this.vpc(path)).status) === wanted);
  }

  gone(path: string): Promise<void> {
    return until(async () => (await this.send(`GET /v1/${path}?${Q}`)).status === 404);
  }

  /** Tags of a resource: every plan looks for them, and crashes when a list is missing. */
  async tags(crn: Json | undefined): Promise<void> {
    expectMembers(await this.get("/v3/tags?tag_type=access"), "items");
    const query = { query: `crn:"${textOf(crn)}"`, fields: ["access_tags", "tags", "service_tags"] };
    const { items } = await this.must("POST /v3/resources/search", query);
    for (const item of items as unknown as Json[]) expectMembers(item, "tags", "access_tags", "service_tags");
  }
}

export function startTerraform(emulator: Emulator): Promise<Terraform> {
  return new Terraform(emulator).logIn();
}

/** An RSA key in OpenSSH's form. */
export function newPublicKey(): string {
  const { n = "", e = "" } = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });
  const field = (data: Buffer): Buffer => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(data.length);
    return Buffer.concat([size, data]);
  };
  const positive = (text: string): Buffer => {
    const number = Buffer.from(text, "base64url");
    return (number[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), number]) : number;
  };
  const blob = Buffer.concat([field(Buffer.from("ssh-rsa")), field(positive(e)), field(positive(n))]);
  return `ssh-rsa ${blob.toString("base64")}`;
}
