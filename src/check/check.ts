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
import { checkSound, damageOf, type Damage } from "./damage.ts";
import { checkDataSet } from "./data_set.ts";
import { checkParameters } from "./formula/parameters.ts";
import { checkModel } from "./model.ts";
import { checkDeclaredBackbone } from "./pipeline.ts";
import { checkDivisions } from "./rules/divisions.ts";
import { checkCyclicMeasure } from "./rules/cyclic_measures.ts";
import { checkLossDeclaration } from "./rules/losses.ts";
import { checkMeasureDeclaration } from "./rules/measures.ts";
import { checkMinerDeclaration } from "./rules/miners.ts";

type Laws = {
  readonly [Kind in Declaration["kind"]]?: readonly ((
    declaration: Extract<Declaration, { kind: Kind }>,
    context: CheckContext,
  ) => void)[];
};

/** The laws of declarations that stand by themselves, used or not, kinds in the order they are checked in. */
const laws: Laws = {
  Measure: [checkCyclicMeasure, checkMeasureDeclaration, checkDivisions],
  Loss: [checkLossDeclaration, checkDivisions],
  Miner: [checkMinerDeclaration, checkDivisions],
  Backbone: [
    (declaration, { scope, diagnostics }) => {
      checkParameters(declaration, scope, diagnostics);
    },
    checkDeclaredBackbone,
  ],
  Dataset: [checkDataSet],
};

/** Checks a module and what it imports; the plans of its sound models, in order. */
export function checkModule(module: Module, diagnostics: Diagnostics): ModelPlan[] {
  for (const each of withImports(module)) {
    const damage = damageOf(each.file, each.source, diagnostics);
    checkDeclarations(each.file.declarations, { scope: each.scope, diagnostics }, damage);
  }
  const damage = damageOf(module.file, module.source, diagnostics);
  return module.file.declarations.flatMap((declaration) => {
    if (declaration.kind !== "Model") return [];
    const plan = checkSound(declaration, damage, diagnostics, (own) =>
      checkModel(declaration, { scope: module.scope, diagnostics: own }),
    );
    return plan === undefined ? [] : [plan];
  });
}

/** Checks declarations that are no models, each by the laws of its kind. */
export function checkDeclarations(
  declarations: readonly Declaration[],
  { scope, diagnostics }: CheckContext,
  damage: Damage = undamaged,
): void {
  for (const [kind, list] of Object.entries(laws))
    for (const declaration of declarations)
      if (declaration.kind === kind)
        for (const law of list as readonly ((declaration: Declaration, context: CheckContext) => unknown)[])
          checkSound(declaration, damage, diagnostics, (own) =>
            law(declaration, { scope, diagnostics: own }),
          );
}

const undamaged: Damage = {
  soundUntil: () => undefined,
  namesLost: false,
  notImported: new Set(),
  any: false,
};

/** A module after everything it imports, each once. */
function withImports(module: Module, found: Module[] = []): readonly Module[] {
  for (const each of module.imports) if (!found.includes(each)) withImports(each, found);
  if (!found.includes(module)) found.push(module);
  return found;
}
