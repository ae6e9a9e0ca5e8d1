/**
 * The pipeline, in a few lines: parse and resolve, check, lower and verify, then emit. Pure; files come in through the host, and
 * every problem comes back as a diagnostic.
 */
import { checkModule } from "./check/check.ts";
import { reportNotBuilt } from "./check/built.ts";
import { Diagnostics, type Diagnostic } from "./diagnostics/diagnostic.ts";
import type { EmitOptions, ProgramIdentity } from "./emit/typescript/program.ts";
import { LoweringError } from "./ir/lower/environment.ts";
import type { ModelPlan } from "./plan/plan.ts";
import type { Host } from "./resolve/host.ts";
import { loadProgram, loadText, standardLibrary, type Module } from "./resolve/modules.ts";
import type { SourceFile } from "./source/source.ts";
import { verifyModel } from "./verify/verify.ts";

export interface Checked {
  readonly module: Module;
  /** Everything that was found: file by file, from top to bottom. */
  readonly diagnostics: readonly Diagnostic[];
  /** The plans of the models that are sound, in the order of the file. */
  readonly models: readonly ModelPlan[];
}

/** Parses, resolves and checks a file; `undefined` if the host cannot read it. */
export function checkFile(host: Host, path: string): Checked | undefined {
  const diagnostics = new Diagnostics();
  const module = loadProgram(host, path, diagnostics);
  return module === undefined ? undefined : checked(host, module, diagnostics);
}

/** As `checkFile` for a text that need not be on a disk. */
export function checkText(host: Host, source: SourceFile): Checked {
  const diagnostics = new Diagnostics();
  return checked(host, loadText(host, source, diagnostics), diagnostics);
}

/** Problems of the standard library itself come first: they spoil every program, and a released one has none. */
function checked(host: Host, module: Module, diagnostics: Diagnostics): Checked {
  // A formula that is wrong itself has been reported; nothing can be said of what it comes to.
  const models = checkModule(module, diagnostics).filter(
    (plan) =>
      !diagnostics.all.some((each) => each.severity === "error" && concerns(each, plan, module)) &&
      verifyModel(plan, diagnostics),
  );
  return {
    module,
    diagnostics: [...standardLibrary(host).diagnostics.all, ...inOrderOfText(diagnostics.all)],
    models,
  };
}

/** Whether a diagnostic is about the model itself, or about something beside the models, which it may use. */
function concerns({ span }: Diagnostic, { declaration }: ModelPlan, { file }: Module): boolean {
  const owner = file.declarations.find(
    ({ span: own }) => own.file === span.file && own.start <= span.start && span.end <= own.end,
  );
  return owner?.kind !== "Model" || owner === declaration;
}

/** File by file, from top to bottom. */
function inOrderOfText(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const files = [...new Set(diagnostics.map(({ span }) => span.file.path))];
  return files.flatMap((path) =>
    diagnostics
      .filter(({ span }) => span.file.path === path)
      .sort((a, b) => a.span.start - b.span.start || a.span.end - b.span.end),
  );
}

/** The program of a checked model, or why it cannot be compiled. */
export async function emitModel(
  plan: ModelPlan,
  identity: ProgramIdentity,
  options: EmitOptions = {},
): Promise<{ readonly text: string } | { readonly diagnostics: readonly Diagnostic[] }> {
  // Loaded when it is needed: its libraries take longer to start than a whole check.
  const { emitProgram } = await import("./emit/typescript/program.ts");
  try {
    return { text: await emitProgram(plan, identity, options) };
  } catch (error) {
    if (!(error instanceof LoweringError)) throw error;
    const diagnostics = new Diagnostics();
    reportNotBuilt(error.feature, error.span, diagnostics);
    return { diagnostics: diagnostics.all };
  }
}
