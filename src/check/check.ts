/**
 * The checker: every declaration of a module against the laws of its kind, in one order that gives the clearest
 * output: what others use first (measures, losses, miners, backbones, data sets), models last. Imported files are
 * checked too, except for their models. Pure.
 */
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { ModelPlan } from "../plan/plan.ts";
import type { Module } from "../resolve/modules.ts";
import type { Declaration } from "../syntax/ast.ts";
import type { CheckContext } from "./context.ts";
import { checkDataSet } from "./data_set.ts";
import { checkModel } from "./model.ts";
import { checkDeclaredBackbone } from "./pipeline.ts";

type Check = (declaration: Declaration, context: CheckContext) => void;

/** The laws of declarations that stand by themselves, in order. */
const rules: readonly Check[] = [
  (declaration, context) => {
    if (declaration.kind === "Backbone") checkDeclaredBackbone(declaration, context);
  },
  (declaration, context) => {
    if (declaration.kind === "Dataset") checkDataSet(declaration, context);
  },
];

/** Checks a module and what it imports; the plans of its sound models, in order. */
export function checkModule(module: Module, diagnostics: Diagnostics): ModelPlan[] {
  for (const each of withImports(module)) {
    const context = { scope: each.scope, diagnostics };
    for (const rule of rules) for (const declaration of each.file.declarations) rule(declaration, context);
  }
  const context = { scope: module.scope, diagnostics };
  return module.file.declarations.flatMap((declaration) => {
    const plan = declaration.kind === "Model" ? checkModel(declaration, context) : undefined;
    return plan === undefined ? [] : [plan];
  });
}

/** A module after everything it imports, each once. */
function withImports(module: Module, found: Module[] = []): readonly Module[] {
  for (const each of module.imports) if (!found.includes(each)) withImports(each, found);
  if (!found.includes(module)) found.push(module);
  return found;
}
