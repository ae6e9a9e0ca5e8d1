/**
 * What goes wrong when a loss is interpreted. Thrown by `expand/` and `evaluate.ts`; callers that checked the program
 * before see only `BudgetError`s. Pure.
 */
import type { Span } from "../source/source.ts";

/** The loss cannot be given a meaning: an unknown name, a wrong shape, a missing parameter. */
export class InterpretError extends Error {
  readonly span: Span | undefined;

  constructor(message: string, span?: Span) {
    super(message);
    this.name = new.target.name;
    this.span = span;
  }
}

/** `LOSS on MINER` where the loss has no tuples that the miner could choose among. */
export class MinerError extends InterpretError {}

/** The loss has a meaning, but it is larger than the interpreter's bounds: see `budget.ts`. */
export class BudgetError extends InterpretError {}
