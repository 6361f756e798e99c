/** Reads the console's stream as a browser does, and remembers every byte of it. */
import { request, type IncomingMessage } from "node:http";
import type { Snapshot, Update } from "../../emulator/console/protocol";
import { until } from "../emulator/support";

export class Stream {
  /** Everything that came. */
  text = "";
  readonly messages: { readonly event: string; readonly data: Update }[] = [];

  private constructor(private readonly response: IncomingMessage) {
    let open = "";
    response.setEncoding("utf8").on("data", (part: string) => {
      this.text += part;
      const blocks = (open + part).split("\n\n");
      open = blocks.pop() ?? "";
      for (const block of blocks) {
        const [, event = "", data = ""] = /^event: (\w+)\ndata: (.*)$/s.exec(block) ?? [];
        this.messages.push({ event, data: JSON.parse(data) as Update });
      }
    });
    response.on("error", () => undefined);
  }

  static async open(consoleUrl: string): Promise<Stream> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(`${consoleUrl}events`).on("response", resolve).on("error", reject).end();
    });
    const stream = new Stream(response);
    await until(() => stream.messages.length > 0);
    return stream;
  }

  get snapshot(): Snapshot {
    return this.messages[0]?.data as Snapshot;
  }

  /** The newest state of an object, whichever message it came with. */
  object(id: string): Snapshot["objects"][number] | undefined {
    return this.messages
      .flatMap(({ data }) => data.objects ?? [])
      .filter((object) => object.id === id)
      .at(-1);
  }

  close(): void {
    this.response.destroy();
  }
}
