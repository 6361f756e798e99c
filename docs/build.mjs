// `npm run docs`: the guides and the reference of every export as pages in `site/`, or in the folder that is named. The pages
// open from the file system; whatever the documentation lacks or links to in vain is an error.
import { fileURLToPath } from "node:url";
import { resolve } from "node:path";
import { Application, Converter, TSConfigReader, TypeDocReader } from "typedoc";
import ts from "typescript";

const repository = fileURLToPath(new URL("..", import.meta.url));
const out = resolve(process.argv[2] ?? `${repository}/site`);

process.chdir(repository);
const app = await Application.bootstrapWithPlugins({ out }, [new TypeDocReader(), new TSConfigReader()]);
// Typedoc writes what such a type stands for: forty lines, where its name says more.
app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
  const node = context.getSymbolFromReflection(reflection)?.declarations?.[0]?.type;
  if (node === undefined || !ts.isTypeReferenceNode(node) || node.typeName.getText() !== "DeepInput") return;
  context.project.removeTypeReflections(reflection.type);
  reflection.type = context.converter.convertType(context.withScope(reflection), node);
});
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
