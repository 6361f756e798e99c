/**
 * Every field that the package exports is documented: in words, with a unit where it is a number, and with `@default` where an
 * argument may be left out. What is an argument is found by following the parameters of exported functions and constructors.
 */
import { join } from "node:path";
import * as ts from "typescript";
import { REPOSITORY } from "../support/project";

const ENTRIES = ["index.ts", "bootstrap/index.ts", "emulator/index.ts", "engine/index.ts"].map((file) =>
  join(REPOSITORY, file),
);
const config = ts.getParsedCommandLineOfConfigFile(
  join(REPOSITORY, "tsconfig.build.json"),
  { noEmit: true },
  {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
      throw new Error(ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n"));
    },
  },
);
const program = ts.createProgram(ENTRIES, { ...config?.options, noEmit: true });
const checker = program.getTypeChecker();

interface Field {
  /** `Interface.field`, with its file. */
  readonly name: string;
  readonly declaration: ts.PropertySignature | ts.PropertyDeclaration;
  readonly isArgument: boolean;
}

const isOurs = (node: ts.Node): boolean => {
  const { fileName } = node.getSourceFile();
  return fileName.startsWith(REPOSITORY) && !fileName.includes("/node_modules/");
};

/** The fields of a type and of all types in it that are ours. */
class Walk {
  readonly fields = new Map<ts.Node, Field>();
  private readonly seen = new Map<ts.Type, boolean>();

  type(type: ts.Type, isArgument: boolean): void {
    if (this.seen.get(type) === true || (this.seen.has(type) && !isArgument)) return;
    this.seen.set(type, isArgument);
    if (type.isUnionOrIntersection()) for (const one of type.types) this.type(one, isArgument);
    for (const argument of typeArgumentsOf(type)) this.type(argument, isArgument);
    for (const signature of type.getCallSignatures()) this.signature(signature, isArgument);
    for (const property of type.getProperties()) this.property(property, isArgument);
  }

  /** What goes in is an argument; what comes out is none, and what a callback gets is none. */
  signature(signature: ts.Signature, isArgument: boolean): void {
    for (const parameter of signature.parameters) {
      const declaration = parameter.valueDeclaration;
      if (declaration !== undefined && isOurs(declaration)) this.type(checker.getTypeOfSymbol(parameter), !isArgument);
    }
    this.type(signature.getReturnType(), false);
  }

  private property(property: ts.Symbol, isArgument: boolean): void {
    for (const declaration of property.declarations ?? []) {
      if (!isOurs(declaration)) continue;
      if (!ts.isPropertySignature(declaration) && !ts.isPropertyDeclaration(declaration)) continue;
      if ((ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Private) !== 0) continue;
      const { parent } = declaration;
      const owner = ts.isTypeLiteralNode(parent) ? "(inline)" : (parent.name?.getText() ?? "(class)");
      const known = this.fields.get(declaration);
      this.fields.set(declaration, {
        name: `${declaration.getSourceFile().fileName.slice(REPOSITORY.length + 1)} ${owner}.${declaration.name.getText()}`,
        declaration,
        isArgument: isArgument || known?.isArgument === true,
      });
      this.type(checker.getTypeOfSymbol(property), isArgument);
    }
  }
}

function typeArgumentsOf(type: ts.Type): readonly ts.Type[] {
  const isReference = "objectFlags" in type && ((type as ts.ObjectType).objectFlags & ts.ObjectFlags.Reference) !== 0;
  const own = isReference ? checker.getTypeArguments(type as ts.TypeReference) : [];
  return [...own, ...(type.aliasTypeArguments ?? [])];
}

const walk = new Walk();
for (const entry of ENTRIES) {
  const source = program.getSourceFile(entry);
  const module = source && checker.getSymbolAtLocation(source);
  if (module === undefined) throw new Error(`${entry} exports nothing`);
  for (const exported of checker.getExportsOfModule(module)) {
    const symbol = (exported.flags & ts.SymbolFlags.Alias) === 0 ? exported : checker.getAliasedSymbol(exported);
    const type = checker.getDeclaredTypeOfSymbol(symbol);
    walk.type(type, false);
    if (symbol.valueDeclaration === undefined) continue;
    const value = checker.getTypeOfSymbol(symbol);
    for (const signature of [...value.getCallSignatures(), ...value.getConstructSignatures()]) {
      walk.signature(signature, false);
    }
  }
}

const FIELDS = [...walk.fields.values()];

const docOf = ({ declaration }: Field): string => {
  const symbol = checker.getSymbolAtLocation(declaration.name);
  return ts.displayPartsToString(symbol?.getDocumentationComment(checker));
};
const defaultOf = ({ declaration }: Field): string | undefined => {
  const tag = ts.getJSDocTags(declaration).find(({ tagName }) => tagName.text === "default");
  return tag && ts.getTextOfJSDocComment(tag.comment);
};
/** `field?: undefined` says that a field does not go with the others. */
const isExclusion = ({ declaration }: Field): boolean => declaration.type?.kind === ts.SyntaxKind.UndefinedKeyword;
const isOptional = ({ declaration }: Field): boolean => declaration.questionToken !== undefined;

function isNumber({ declaration }: Field): boolean {
  const text = declaration.type?.getText() ?? "";
  return /^(pulumi\.)?((Input|Output)<)?number( \| undefined)?>?$/.test(text);
}

const UNIT =
  /second|minute|hour|\bms\b|millisecond|byte|\bbits?\b|percent|GiB|GB|gigabyte|megabits|Mbps|IOPS|\bhops?\b|HopLimit|how many|how often|number of|\bnumber\b|chance|port|count|status|numbered|addresses|requests|exit code/i;

it("finds the fields", () => {
  expect(FIELDS.length).toBeGreaterThan(300);
  expect(FIELDS.filter(({ isArgument }) => isArgument).length).toBeGreaterThan(150);
});

it("documents every field", () => {
  // Those of a type without a name are told by the field that has it.
  const named = FIELDS.filter(({ declaration }) => !ts.isTypeLiteralNode(declaration.parent));
  const bare = named.filter((field) => !isExclusion(field) && docOf(field).trim() === "");
  expect(bare.map(({ name }) => name)).toEqual([]);
});

it("says what an argument stands for that is left out", () => {
  const optional = FIELDS.filter((field) => field.isArgument && isOptional(field) && !isExclusion(field));
  expect(optional.length).toBeGreaterThan(100);
  expect(optional.filter((field) => (defaultOf(field) ?? "") === "").map(({ name }) => name)).toEqual([]);
});

it("gives numbers a unit", () => {
  const numbers = FIELDS.filter(isNumber);
  expect(numbers.length).toBeGreaterThan(20);
  const bare = numbers.filter((field) => !UNIT.test(`${field.name.split(".").at(-1) ?? ""} ${docOf(field)}`));
  expect(bare.map(({ name }) => name)).toEqual([]);
});
