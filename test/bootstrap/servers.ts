/** What the tests of the installed script have in common: a metadata service for a file, and the folders of its servers. */
import type { BootstrapOptions } from "../../bootstrap";
import { MetadataService } from "./metadata-service";
import { ServerFolder, withStockOfKeys } from "./server-folder";

type Change = (script: string) => string;

/** To be made at the top of a file, whose hooks it adds: the service is as new, and no folder is left, after each test. */
export class Servers {
  #service: MetadataService | undefined;
  #folders: ServerFolder[] = [];

  constructor() {
    beforeAll(async () => {
      this.#service = await MetadataService.start();
    });
    afterAll(() => this.service.close());
    afterEach(() => {
      this.service.reset();
      for (const folder of this.#folders) folder.remove();
      this.#folders = [];
    });
  }

  get service(): MetadataService {
    if (this.#service === undefined) throw new Error("no metadata service outside of tests");
    return this.#service;
  }

  /** A server that trusts the service, which makes its keys itself. */
  make(options: BootstrapOptions = {}, change?: Change, url = this.service.url): ServerFolder {
    return this.add(new ServerFolder(url, { trustRootsPem: this.service.rootPem, ...options }, change));
  }

  /** The same for tests of anything but keys. */
  makeQuick(options?: BootstrapOptions, change: Change = (script) => script, url?: string): ServerFolder {
    return this.make(options, (script) => change(withStockOfKeys(script)), url);
  }

  /** One of those that is past its first boot, in which refusals are repeated, and tries everything once. */
  makeBooted(options?: BootstrapOptions, change?: Change): ServerFolder {
    const server = this.makeQuick({ retrySeconds: 0, ...options }, change);
    server.endFirstBoot();
    return server;
  }

  /** One that is removed like those made here. */
  add(folder: ServerFolder): ServerFolder {
    this.#folders.push(folder);
    return folder;
  }
}
