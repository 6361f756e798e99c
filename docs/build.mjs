// `npm run docs`: the guides and the reference of every export as pages in `site/`, or in the folder that is named. The pages
// open from the file system; whatever the documentation lacks or links to in vain is an error.
import { fileURLToPath } from "node:url";
import { resolve } from "node:path";
import { Application, TSConfigReader, TypeDocReader } from "typedoc";

const repository = fileURLToPath(new URL("..", import.meta.url));
const out = resolve(process.argv[2] ?? `${repository}/site`);

process.chdir(repository);
const app = await Application.bootstrapWithPlugins({ out }, [new TypeDocReader(), new TSConfigReader()]);
const project = await app.convert();
if (project !== undefined) {
  app.validate(project);
  if (!app.logger.hasErrors() && !app.logger.hasWarnings()) {
    await app.generateDocs(project, out);
    console.log(`${out}/index.html`);
  }
}
// A warning that passes today hides the next one.
if (project === undefined || app.logger.hasErrors() || app.logger.hasWarnings()) process.exitCode = 1;
