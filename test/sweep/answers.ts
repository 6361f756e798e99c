/** What the answers are like that the client in this process gets: the journal says nothing of their headers and bodies. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { JournalEntry } from "../../emulator";

export interface AnswerShape {
  /** It carries the tag of a version. */
  readonly hasTag: boolean;
  readonly hasBody: boolean;
}

/** undici tells this channel of every answer, as soon as its headers are there. */
const CHANNEL = "undici:request:headers";

export class Answers {
  readonly #shapes = new Map<string, AnswerShape>();

  listen(): void {
    subscribe(CHANNEL, this.#hear);
  }

  stop(): void {
    unsubscribe(CHANNEL, this.#hear);
  }

  shapeOf = ({ requestId, method, path }: JournalEntry): AnswerShape => {
    const shape = this.#shapes.get(requestId);
    if (shape === undefined) throw new Error(`nobody has heard of the answer to ${method} ${path}`);
    return shape;
  };

  readonly #hear = (message: unknown): void => {
    const { response } = message as { response: { headers: readonly Buffer[] } };
    const texts = response.headers.map(String);
    const valueOf = (name: string): string | undefined =>
      texts.find((_, index) => index % 2 === 1 && texts[index - 1]?.toLowerCase() === name);
    const hasTag = valueOf("etag") !== undefined;
    this.#shapes.set(valueOf("x-request-id") ?? "", { hasTag, hasBody: valueOf("content-type") !== undefined });
  };
}
