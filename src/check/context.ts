/**
 * What every check is handed: where names resolve, and where problems go. Data only.
 */
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { Scope } from "../resolve/scope.ts";

export interface CheckContext {
  readonly scope: Scope;
  readonly diagnostics: Diagnostics;
}

/**
 * What the compiler takes on: far more than any sensible spec needs, and little enough that no spec makes it, or the
 * program it emits, run for ever or fill the memory.
 */
export const budgets = {
  /** Layers that one backbone or head may expand to. */
  layers: 4096,
  /** Expressions looked at in the checking of one declaration, `let` functions expanded. */
  formulaSteps: 200_000,
  /** Elements of nested numeric domains of a formula. */
  elements: 10_000_000,
  /** Numbers in one table of trained parameters: 1 GiB of them. */
  parameters: 268_435_456,
  /** Numbers of one image, and of one sample between two layers. */
  features: 16_777_216,
  /** Samples of a batch: the table of all their pairs is 1 GiB then. */
  batch: 16_384,
} as const;
