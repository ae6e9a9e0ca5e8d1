import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Node, Project, SyntaxKind, ts } from "ts-morph";
import { beforeAll, describe, expect, test } from "vitest";
import { eraseTypes } from "../../src/emit/typescript/erase.ts";
import { emit, root, specs } from "./emitted.ts";
import { typeCheck } from "./type_check.ts";

const golden = join(root, "test", "golden", "emit");
const names = [...specs.keys()];
const programs = new Map<string, string>();

beforeAll(async () => {
  for (const name of names) programs.set(name, await emit(name));
});

describe.each(names)("the program of %s", (name) => {
  const program = (): string => programs.get(name)!;

  test("is as it was", async () => {
    await expect(program()).toMatchFileSnapshot(join(golden, `${name}.ts`));
  });

  test("says `any` nowhere and silences no check", () => {
    const source = new Project({ useInMemoryFileSystem: true }).createSourceFile("program.ts", program());
    expect(source.getDescendantsOfKind(SyntaxKind.AnyKeyword)).toEqual([]);
    expect(program()).not.toMatch(/@ts-|eslint-|prettier-ignore/);
  });

  test("imports the runtime, and nothing else", () => {
    const source = new Project({ useInMemoryFileSystem: true }).createSourceFile("program.ts", program());
    const imports = source.getImportDeclarations().map((each) => each.getModuleSpecifierValue());
    expect(imports).toEqual(["dmlc/runtime"]);
    expect(source.getDescendantsOfKind(SyntaxKind.ImportKeyword).filter(isDynamicImport)).toEqual([]);
  });

  test("is a program of JavaScript once its types are erased", () => {
    const { diagnostics } = ts.transpileModule(eraseTypes(program()), {
      reportDiagnostics: true,
      fileName: "program.js",
      compilerOptions: { allowJs: true, module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
    });
    expect(diagnostics).toEqual([]);
  });
});

const isDynamicImport = (node: Node): boolean => Node.isCallExpression(node.getParent());

describe("emission", () => {
  test("gives the same bytes again, whatever was emitted in between", async () => {
    for (const name of [...names].reverse()) expect(await emit(name)).toBe(programs.get(name));
  });

  test("has no golden program without a spec", () => {
    expect(readdirSync(golden).sort()).toEqual(names.map((name) => `${name}.ts`).sort());
  });

  test("gives programs that type-check under `strict`, without unused names", () => {
    expect(typeCheck(programs)).toEqual({ stdout: "", status: 0 });
  });

  test("keeps texts of the spec in literals and comments", () => {
    const source = new Project({ useInMemoryFileSystem: true }).createSourceFile(
      "hostile.ts",
      programs.get("hostile")!,
    );
    const identifiers = source.getDescendantsOfKind(SyntaxKind.Identifier).map((node) => node.getText());
    expect(identifiers).not.toContain("exit");
    expect(identifiers).not.toContain("process");
    expect(source.getDescendantsOfKind(SyntaxKind.TemplateExpression)).toEqual([]);
    // What hides or reorders characters is written as an escape.
    expect(programs.get("hostile")).not.toMatch(/[\p{Cf}\p{Zl}\p{Zp}]/u);
  });
});
