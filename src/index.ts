/**
 * The compiler as a library, the package's main entry: check a spec, emit its program. Pure: files come in through a
 * `Host`, so it runs wherever JavaScript does. Running programs is `dmlc/runtime`.
 */
export { checkFile, checkText, emitModel } from "./compile.ts";
export type { Checked } from "./compile.ts";
export type { Diagnostic, RelatedPlace, Severity } from "./diagnostics/diagnostic.ts";
export type { ProgramIdentity } from "./emit/typescript/program.ts";
export type { ModelPlan } from "./plan/plan.ts";
export { memoryHost } from "./resolve/host.ts";
export type { Host } from "./resolve/host.ts";
export { position } from "./source/source.ts";
export type { Position, SourceFile, Span } from "./source/source.ts";
