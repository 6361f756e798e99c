/**
 * What IBM's own clients promise their users: the typed fields of every response, read from the declarations that come
 * with the SDK. A response is held against them, since a client in JavaScript takes whatever it is given.
 */
import { readFileSync } from "node:fs";
import ts from "typescript";

interface Field {
  readonly required: boolean;
  readonly type: ts.TypeNode | undefined;
}

interface Model {
  readonly fields: ReadonlyMap<string, Field>;
  /** Has an index signature: any further field is known. */
  readonly open: boolean;
}

export class SdkModels {
  private readonly models = new Map<string, ts.InterfaceDeclaration>();
  private readonly results = new Map<string, ts.TypeNode>();

  /** Reads the declarations of a module, such as `@ibm-cloud/platform-services/iam-identity/v1`. */
  constructor(moduleName: string) {
    const file = require.resolve(moduleName).replace(/\.js$/, ".d.ts");
    const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
    for (const statement of source.statements) {
      if (ts.isClassDeclaration(statement)) this.readOperations(statement);
      if (ts.isModuleDeclaration(statement) && statement.body !== undefined && ts.isModuleBlock(statement.body)) {
        for (const item of statement.body.statements) {
          if (ts.isInterfaceDeclaration(item)) this.models.set(item.name.text, item);
        }
      }
    }
  }

  /** The names of all operations of the client. */
  operations(): string[] {
    return [...this.results.keys()];
  }

  /** What is wrong with the result of an operation; every problem with its path. */
  problemsOf(operation: string, result: unknown): string[] {
    const type = this.results.get(operation);
    if (type === undefined) throw new Error(`${operation} is no operation of this client`);
    return this.check(type, result, operation);
  }

  /** An operation is a method whose result is `Promise<Service.Response<Model>>`. */
  private readOperations(service: ts.ClassDeclaration): void {
    for (const member of service.members) {
      if (!ts.isMethodDeclaration(member) || member.type === undefined) continue;
      const response = argumentOf(member.type, "Promise");
      const result = response === undefined ? undefined : argumentOf(response, "Response");
      if (result !== undefined && ts.isIdentifier(member.name)) this.results.set(member.name.text, result);
    }
  }

  private model(declaration: ts.InterfaceDeclaration): Model {
    const fields = new Map<string, Field>();
    let open = false;
    for (const base of basesOf(declaration)) {
      const found = this.models.get(base);
      if (found === undefined) continue;
      const inherited = this.model(found);
      for (const [name, field] of inherited.fields) fields.set(name, field);
      open ||= inherited.open;
    }
    for (const member of declaration.members) {
      if (ts.isIndexSignatureDeclaration(member)) open = true;
      if (!ts.isPropertySignature(member)) continue;
      const name = ts.isStringLiteral(member.name) ? member.name.text : member.name.getText();
      fields.set(name, { required: member.questionToken === undefined, type: member.type });
    }
    return { fields, open };
  }

  private check(type: ts.TypeNode | undefined, value: unknown, path: string): string[] {
    if (type === undefined) return [];
    if (ts.isParenthesizedTypeNode(type)) return this.check(type.type, value, path);
    if (ts.isUnionTypeNode(type)) {
      const [best] = type.types.map((member) => this.check(member, value, path)).sort((a, b) => a.length - b.length);
      return best ?? [];
    }
    const array = ts.isArrayTypeNode(type) ? type.elementType : argumentOf(type, "Array");
    if (array !== undefined) {
      if (!Array.isArray(value)) return [`${path} is ${kindOf(value)}, not an array`];
      return value.flatMap((item, index) => this.check(array, item, `${path}[${index}]`));
    }
    if (ts.isTypeReferenceNode(type)) return this.checkReference(type, value, path);
    const wanted = PRIMITIVES.get(type.kind);
    return wanted === undefined || kindOf(value) === wanted ? [] : [`${path} is ${kindOf(value)}, not ${wanted}`];
  }

  private checkReference(type: ts.TypeReferenceNode, value: unknown, path: string): string[] {
    const name = type.typeName.getText();
    // Enumerations are written `Model.Constants.Name`; what they hold is text.
    if (name.includes("Constants."))
      return kindOf(value) === "string" ? [] : [`${path} is ${kindOf(value)}, not string`];
    const declaration = this.models.get(name.split(".").at(-1) ?? "");
    if (declaration === undefined) return [];
    if (kindOf(value) !== "object") return [`${path} is ${kindOf(value)}, not ${name}`];
    // An empty model stands for those that extend it.
    const heirs = declaration.members.length === 0 ? this.heirsOf(declaration.name.text) : [];
    const [best] = (heirs.length === 0 ? [declaration] : heirs)
      .map((candidate) => this.checkFields(candidate, value as object, path))
      .sort((a, b) => a.length - b.length);
    return best ?? [];
  }

  private heirsOf(name: string): ts.InterfaceDeclaration[] {
    return [...this.models.values()].filter((item) => basesOf(item).includes(name));
  }

  private checkFields(declaration: ts.InterfaceDeclaration, value: object, path: string): string[] {
    const { fields, open } = this.model(declaration);
    const given = new Map<string, unknown>(Object.entries(value));
    const missing = [...fields]
      .filter(([field, { required }]) => required && given.get(field) === undefined)
      .map(([field]) => `${path}.${field} is missing`);
    const rest = [...given].flatMap(([field, item]) => {
      const known = fields.get(field);
      if (known === undefined) return open ? [] : [`${path}.${field} is unknown to the SDK`];
      return item === undefined ? [] : this.check(known.type, item, `${path}.${field}`);
    });
    return [...missing, ...rest];
  }
}

const PRIMITIVES: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [ts.SyntaxKind.StringKeyword, "string"],
  [ts.SyntaxKind.NumberKeyword, "number"],
  [ts.SyntaxKind.BooleanKeyword, "boolean"],
]);

const kindOf = (value: unknown): string => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value);

const basesOf = (declaration: ts.InterfaceDeclaration): string[] =>
  (declaration.heritageClauses ?? []).flatMap((clause) =>
    clause.types.map((base) => base.expression.getText().split(".").at(-1) ?? ""),
  );

/** `X` of `Name<X>`, whatever namespace the name is in. */
function argumentOf(type: ts.TypeNode, name: string): ts.TypeNode | undefined {
  if (!ts.isTypeReferenceNode(type) || type.typeName.getText().split(".").at(-1) !== name) return undefined;
  return type.typeArguments?.[0];
}

/** What happened on a watched client. */
export interface Watch {
  readonly called: Set<string>;
  readonly problems: string[];
}

/** The client itself, but every result is held against its declared type on the way back. */
export function watch<T extends object>(client: T, models: SdkModels, seen: Watch): T {
  const operations = new Set(models.operations());
  return new Proxy(client, {
    get(target, name): unknown {
      const member: unknown = Reflect.get(target, name);
      if (typeof name !== "string" || !operations.has(name) || typeof member !== "function") return member;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        seen.called.add(name);
        const response = (await Reflect.apply(member, target, args)) as { status: number; result: unknown };
        // Nothing is declared of the result of a call that has none.
        if (response.status !== 204) seen.problems.push(...models.problemsOf(name, response.result));
        return response;
      };
    },
  });
}
