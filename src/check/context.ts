/**
 * What every check is handed: where names resolve, and where problems go. Data only.
 */
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { Scope } from "../resolve/scope.ts";

export interface CheckContext {
  readonly scope: Scope;
  readonly diagnostics: Diagnostics;
}

/** Most layers a backbone or head may expand to, most terms a formula may unroll to. */
export const budgets = { layers: 4096, formulaSteps: 200_000 } as const;
