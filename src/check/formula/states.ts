/**
 * State tables, `state h[b in 0..bins]: real = …`: what their indices run over, and their first values. Used by
 * `declaration.ts`.
 */
import { duplicateFormulaName, malformedDeclaration } from "../../diagnostics/codes/formula.ts";
import { initializerUse } from "../../resolve/initializers.ts";
import type { Expression, IndexBinding, State } from "../../syntax/ast.ts";
import type { Axis } from "../../types/axis.ts";
import { tensor, unknown, type FormulaType } from "../../types/formula_type.ts";
import type { Binding, Environment, FormulaContext } from "./environment.ts";
import { domainOf } from "./reductions.ts";

/** What the brackets of a state say. */
export interface StateTable {
  /** Of the whole table. */
  readonly type: FormulaType;
  /** The indices, for its next value. */
  readonly indices: ReadonlyMap<string, Binding>;
}

export function stateTable(context: FormulaContext, state: State, environment: Environment): StateTable {
  const { diagnostics } = context;
  const indices = new Map<string, Binding>();
  if (state.indices.length > 0 && (state.type.axes ?? []).length > 0)
    diagnostics.report(malformedDeclaration, state.type.span, {
      what: "This `state` says twice how large it is",
      why: "A table has either indices after its name or sides after its type.",
      help: `Write \`: real\`.`,
    });
  const axes = state.indices.map((index): Axis | undefined => {
    const { name } = index;
    if (indices.has(name.text))
      diagnostics.report(duplicateFormulaName, name.span, {
        name: name.text,
        first: "an index of this `state`",
      });
    const axis = sideOf(context, index, environment);
    const type: FormulaType = axis === undefined ? unknown : { kind: "index", axis };
    indices.set(name.text, { kind: "value", type, what: "an index", constant: false });
    return axis;
  });
  return { type: axes.every((axis) => axis !== undefined) ? tensor(axes) : unknown, indices };
}

/** The axis of one index; `undefined` after reporting that it cannot be a side of a table. */
function sideOf(context: FormulaContext, index: IndexBinding, environment: Environment): Axis | undefined {
  const { diagnostics } = context;
  const { domain } = index;
  if (domain === undefined) {
    diagnostics.report(malformedDeclaration, index.span, {
      what: `Nothing says what \`${index.name.text}\` runs over`,
      why: "A state is made before the first step, so its sides must be known without a use of it.",
      help: `Write for example \`${index.name.text} in classes\` or \`${index.name.text} in 0..10\`.`,
    });
    return undefined;
  }
  if (domain.kind === "Missing") return undefined;
  const refuse = (why: string, help: string): undefined => {
    diagnostics.report(malformedDeclaration, domain.span, {
      what: "This is no side of a `state`",
      why,
      help,
    });
  };
  if (domain.kind === "Range" && !(domain.from.kind === "Number" && domain.from.value === 0))
    return refuse(
      "The entries of a table are numbered from 0.",
      "Write `0..n`, and add what is missing where the index is used as a number.",
    );
  if (domain.kind === "List")
    return refuse("The entries of a table are numbered from 0.", "Write `0..n` with the length of the list.");
  const axis = domainOf(context, domain, environment);
  if (axis === context.axes.of("batch", false))
    return refuse(
      "A state is kept from batch to batch, and each batch has other samples.",
      "Write `in classes` for an entry for each class; samples are remembered by `LOSS against memory(n)`.",
    );
  return axis;
}

/** Whether the first value of a state is an initialiser. */
export function startsFromInitializer(
  context: FormulaContext,
  expression: Expression,
  environment: Environment,
): boolean {
  const isBound = (name: string): boolean => environment.lookup(name) !== undefined;
  return initializerUse(expression, context.scope, isBound) !== undefined;
}
