/**
 * The file of a program from its functions and its description: header, imports of what it uses, declarations. ts-morph
 * builds it in one go, prettier formats it. Called by `program.ts`.
 */
import { format } from "prettier";
import { type FunctionDeclarationStructure, Node, Project, type SourceFile, StructureKind } from "ts-morph";
import type { ModelPlan } from "../../plan/plan.ts";
import { commentText } from "./text.ts";

export interface ProgramIdentity {
  /** How the program names its spec; a path relative to the program. */
  readonly specFile: string;
  /** SHA-256 of the spec's texts, in hexadecimal. */
  readonly specHash: string;
  /** `dmlc 0.1.0` */
  readonly compiler: string;
}

export interface Declared {
  readonly structure: FunctionDeclarationStructure;
}

/** A function of the program. */
export function declared(
  name: string,
  doc: string,
  parts: {
    readonly parameters: readonly (readonly [name: string, type: string])[];
    readonly returns: string;
    readonly lines: readonly string[];
  },
): Declared {
  const body = parts.lines.join("\n");
  return {
    structure: {
      kind: StructureKind.Function,
      name,
      docs: [doc],
      parameters: parts.parameters.map(([parameter, type]) => ({
        // What a function of the contract does not read it does not name.
        name: new RegExp(`\\b${parameter}\\b`).test(body) ? parameter : `_${parameter}`,
        type,
      })),
      returnType: parts.returns,
      statements: body,
    },
  };
}

/** What the header may import from the runtime. */
const RUNTIME_VALUES = new Set(["data", "init", "main", "nn", "ops", "strategies", "tf"]);
const RUNTIME_TYPES = new Set([
  "CombineContext",
  "Combined",
  "Embedded",
  "HeadWeights",
  "LossValue",
  "Net",
  "NoiseSpec",
  "ParameterSpec",
  "Program",
  "Sizes",
  "StateSpec",
  "tf",
]);

/** The text of the program; `program` is its description, the default export. */
export async function assemble(
  plan: ModelPlan,
  identity: ProgramIdentity,
  functions: readonly FunctionDeclarationStructure[],
  program: string,
): Promise<string> {
  const project = new Project({ useInMemoryFileSystem: true });
  const body = project.createSourceFile("body.ts", {
    statements: [
      ...functions,
      (writer) => writer.blankLine().writeLine(`const program: Program = ${program};`),
      (writer) => writer.blankLine().writeLine("export default program;"),
      (writer) => writer.blankLine().writeLine("await main(program, import.meta.url);"),
    ],
  });
  const header =
    `/**\n * ${commentText(plan.name)}: compiled by ${commentText(identity.compiler)} from ` +
    `${commentText(identity.specFile)} (SHA-256 ${identity.specHash.slice(0, 12)}).\n` +
    " * Change the spec and compile it again rather than this file. `node` runs it (`--help` lists its options).\n */\n";
  const imports = `import { ${runtimeNames(body).join(", ")} } from "dmlc/runtime";\n`;
  return format(`${header}${imports}\n${body.getFullText()}`, { parser: "typescript", printWidth: 110 });
}

/** The names that the body takes from the runtime: values first, then types that are nothing else. */
function runtimeNames(body: SourceFile): string[] {
  const values = new Set<string>();
  const types = new Set<string>();
  body.forEachDescendant((node) => {
    if (!Node.isIdentifier(node)) return;
    const name = node.getText();
    const parent = node.getParent();
    if (Node.isPropertyAccessExpression(parent) || Node.isCallExpression(parent)) {
      if (parent.getExpression() === node && RUNTIME_VALUES.has(name)) values.add(name);
    } else if (Node.isQualifiedName(parent) || Node.isTypeReference(parent)) {
      if (parent.getChildAtIndex(0) === node && RUNTIME_TYPES.has(name)) types.add(name);
    }
  });
  const onlyTypes = [...types].filter((name) => !values.has(name));
  return [...[...values].sort(), ...onlyTypes.sort().map((name) => `type ${name}`)];
}
