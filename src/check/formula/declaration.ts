/**
 * The formulas of one loss, measure or miner: its names and statements in order, then its body. Called by the rules of
 * these declarations.
 */
import type { Diagnostics } from "../../diagnostics/diagnostic.ts";
import {
  duplicateFormulaName,
  malformedDeclaration,
  unreachedParam,
  unusedName,
} from "../../diagnostics/codes/formula.ts";
import { unknownName } from "../../diagnostics/codes/resolve.ts";
import { closest } from "../../diagnostics/did_you_mean.ts";
import type {
  Expression,
  Identifier,
  Let,
  LossDeclaration,
  MeasureDeclaration,
  MinerDeclaration,
  Param,
  Parameter,
  State,
  TypeExpression,
} from "../../syntax/ast.ts";
import { walk, type Node } from "../../syntax/traverse.ts";
import { Axes, type Axis } from "../../types/axis.ts";
import { number, tensor, unknown, type FormulaType } from "../../types/formula_type.ts";
import type { CheckContext } from "../context.ts";

import { Environment, type Binding, type FormulaContext, type LetBinding } from "./environment.ts";
import { expectNumber } from "./expectations.ts";
import { infer } from "./infer.ts";
import { classesCounted } from "./labels.ts";
import { expandLet } from "./lets.ts";
import { checkInitializer } from "./param_init.ts";
import { checkParameters, parameterBinding } from "./parameters.ts";
import { reportOpenIndices } from "./reductions.ts";
import { startsFromInitializer, stateTable } from "./states.ts";

type Owner = LossDeclaration | MeasureDeclaration | MinerDeclaration;

/** A declaration being checked: the names so far, and which of them its text declares. */
export class Formula {
  readonly context: FormulaContext;
  environment = new Environment();
  private readonly problemsBefore: number;
  private readonly declared: {
    readonly name: Identifier;
    readonly what: string;
    readonly binding: Binding;
  }[] = [];

  constructor(declaration: Owner, { scope, diagnostics }: CheckContext) {
    this.problemsBefore = diagnostics.all.length;
    this.context = {
      scope,
      diagnostics,
      axes: new Axes(),
      constants: checkParameters(declaration, scope, diagnostics),
      used: new Set(),
      unknownNames: new Set(),
      endedIndices: new Map(),
      openIndices: [],
      excused: [],
      asNumbers: [],
      calls: [],
      drawless: declaration.kind === "Measure",
      generic: false,
      steps: 0,
      depth: 0,
      exhausted: false,
      infer,
    };
  }

  axis(name: "batch" | "classes" | "dim"): Axis {
    return this.context.axes.of(name, false);
  }

  /** A name that is there without being declared in the text. */
  global(name: string, type: FormulaType, what: string, domain?: Axis): void {
    const extra = domain === undefined ? {} : { domain };
    this.environment = this.environment.with([
      [name, { kind: "value", type, what, constant: domain !== undefined, ...extra }],
    ]);
  }

  /** A name that the text declares; a second meaning in one declaration is reported. */
  declare(name: Identifier, what: string, binding: Binding): void {
    if (name.text === "") return;
    const before = this.environment.lookup(name.text);
    if (before !== undefined)
      this.context.diagnostics.report(duplicateFormulaName, name.span, {
        name: name.text,
        first: before.kind === "let" ? "a `let` of this declaration" : before.what,
      });
    this.declared.push({ name, what, binding });
    this.environment = this.environment.with([[name.text, binding]]);
  }

  parameters(parameters: readonly Parameter[]): void {
    const seen = new Set<string>();
    for (const parameter of parameters) {
      if (seen.has(parameter.name.text)) continue;
      seen.add(parameter.name.text);
      this.declare(parameter.name, "parameter", parameterBinding(parameter, this.context.axes));
    }
    // A parameter that another's bound or default mentions is used.
    for (const parameter of parameters)
      for (const inside of [parameter.type, parameter.default])
        if (inside !== undefined) this.useNames(inside);
  }

  infer(expression: Expression): FormulaType {
    return infer(this.context, expression, this.environment);
  }

  let(statement: Let): void {
    const binding: LetBinding = {
      kind: "let",
      declaration: statement,
      environment: this.environment,
      known: new Map(),
    };
    if (!statement.callable) expandLet(this.context, binding, []);
    this.declare(statement.name, "`let`", binding);
  }

  param(statement: Param): void {
    const type = this.tensorType(statement.type, "param");
    checkInitializer(this.context, statement.init, this.environment);
    this.declare(statement.name, "trained parameter", {
      kind: "value",
      type,
      what: "a trained parameter",
      constant: false,
    });
  }

  state(statement: State): void {
    const whole = this.tensorType(statement.type, "state");
    const table = stateTable(this.context, statement, this.environment);
    const type = statement.indices.length === 0 ? whole : table.type;
    if (startsFromInitializer(this.context, statement.initial, this.environment))
      checkInitializer(this.context, statement.initial, this.environment, false);
    else {
      const initial = this.infer(statement.initial);
      expectNumber(this.context, statement.initial, initial, "The first value of a `state`");
    }
    this.declare(statement.name, "state", { kind: "value", type, what: "a state", constant: false });
    const next = infer(this.context, statement.next, this.environment.with(table.indices));
    if (next.kind !== "tensor" || type.kind !== "tensor" || statement.indices.length > 0)
      expectNumber(this.context, statement.next, next, "The next value of a `state`");
  }

  /** After the body: indices without a domain, and names that nothing uses. */
  finish(): void {
    const { context } = this;
    for (const { binding } of this.declared)
      if (binding.kind === "let" && binding.declaration.callable && !context.used.has(binding)) {
        context.generic = true;
        expandLet(
          context,
          binding,
          binding.declaration.parameters.map(() => unknown),
        );
        context.generic = false;
      }
    reportOpenIndices(context);
    // What is misspelt is often what seems unused: first things first.
    if (context.diagnostics.all.length > this.problemsBefore) return;
    for (const { name, what, binding } of this.declared) {
      if (context.used.has(binding) || context.exhausted) continue;
      if (what === "trained parameter")
        context.diagnostics.report(unreachedParam, name.span, { name: name.text });
      else if (what !== "operand")
        context.diagnostics.report(unusedName, name.span, { name: name.text, what });
    }
  }

  /** Marks the names inside a node as used. */
  private useNames(node: Node): void {
    walk(node, {
      enter: (inner) => {
        if (inner.kind !== "Name") return;
        const binding = this.environment.lookup(inner.text);
        if (binding !== undefined) this.context.used.add(binding);
      },
    });
  }

  /** `real` or `real[classes, dim]`. */
  private tensorType(type: TypeExpression, word: "param" | "state"): FormulaType {
    const { diagnostics, axes } = this.context;
    if (type.name.text !== "" && type.name.text !== "real")
      diagnostics.report(malformedDeclaration, type.span, {
        what: `A \`${word}\` is made of real numbers, not of \`${type.name.text}\``,
        why: "It changes by small steps while the network trains.",
        help: `Write \`real\`, or \`real[classes, dim]\` for a table.`,
      });
    const sides = (type.axes ?? []).map((side): Axis | undefined => {
      if (
        side.kind === "Number" &&
        side.unit === undefined &&
        Number.isInteger(side.value) &&
        side.value >= 1
      )
        return axes.of(String(side.value), true);
      const counted = classesCounted(this.context, side, this.environment);
      if (counted !== undefined) {
        this.infer(side);
        return counted;
      }
      const binding = side.kind === "Name" ? this.environment.lookup(side.text) : undefined;
      if (side.kind === "Name" && binding === undefined) {
        this.infer(side);
        return undefined;
      }
      if (binding?.kind === "value" && binding.domain !== undefined && binding.type.kind === "number") {
        this.context.used.add(binding);
        if (binding.domain !== this.axis("batch")) return binding.domain;
      }
      if (side.kind !== "Missing")
        diagnostics.report(malformedDeclaration, side.span, {
          what: `This is no side of a \`${word}\``,
          why: "The sides of a table are `classes` (or `classes(on: LABEL)`), `dim`, whole numbers, and parameters of type `int`: what stays the same for a whole training run.",
          help: "Write for example `real[classes, dim]`.",
        });
      return undefined;
    });
    return sides.every((side) => side !== undefined) ? tensor(sides) : unknown;
  }
}

/** Reports a name in a header that must be one of a few. */
export function expectOneOf(
  name: Identifier,
  known: readonly string[],
  expected: string,
  diagnostics: Diagnostics,
): boolean {
  if (known.includes(name.text)) return true;
  const suggestion = closest(name.text, known);
  diagnostics.report(unknownName, name.span, {
    name: name.text,
    expected,
    because: `It is one of ${known.map((each) => `\`${each}\``).join(", ")}.`,
    ...(suggestion === undefined ? {} : { suggestion }),
  });
  return false;
}

/** The numbers and labels that formulas of losses and miners know. */
export function addGlobals(formula: Formula): void {
  for (const name of ["batch", "classes", "dim"] as const)
    formula.global(name, number, "a global of every formula", formula.axis(name));
  formula.global("y", tensor([formula.axis("batch")], "label"), "the labels of the batch");
}
