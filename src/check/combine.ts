/**
 * A model's `combine`: an expression over its losses, with constants, `+`, `*` and strategies nested at will, as the
 * plan of one number. Every loss has exactly one place in it. Pure.
 */
import {
  lossCombinedTwice,
  lossesNotCombined,
  lossNotCombined,
  malformedCombination,
} from "../diagnostics/codes/check.ts";
import { unknownName } from "../diagnostics/codes/resolve.ts";
import { closest } from "../diagnostics/did_you_mean.ts";
import type { CombinePlan } from "../plan/plan.ts";
import { bindMatched } from "../resolve/bind.ts";
import { formatNumber, oneLine } from "../resolve/describe.ts";
import { matchArguments } from "../resolve/match.ts";
import { refuseBlock, resolveUse, signatureOf } from "../resolve/use.ts";
import { textOf, type Span } from "../source/source.ts";
import type { Binary, Call, Expression, Name } from "../syntax/ast.ts";
import type { Values } from "../resolve/values.ts";
import type { CheckContext } from "./context.ts";
import { checkGroupMatters, groupsOf } from "./groups.ts";

/** Σ coefficient · leaf, or a plain constant. */
type Linear =
  | { readonly kind: "constant"; readonly value: number; readonly span: Span }
  | { readonly kind: "terms"; readonly terms: readonly Term[] };
interface Term {
  readonly coefficient: number;
  readonly leaf: Name | Call;
}

interface Combination {
  readonly context: CheckContext;
  readonly losses: readonly { readonly name: string; readonly span: Span }[];
  /** Where each loss was first mentioned. */
  readonly used: Map<string, Span>;
}

/** The plan of a model's combination, or `undefined` after reporting what is wrong with it. */
export function checkCombine(
  expression: Expression | undefined,
  losses: readonly { readonly name: string; readonly span: Span }[],
  place: Span,
  context: CheckContext,
): CombinePlan | undefined {
  if (expression === undefined) {
    const [only] = losses;
    if (losses.length === 1 && only !== undefined) return { kind: "loss", name: only.name, span: only.span };
    const example = `combine: equal(${losses.map((loss) => loss.name).join(", ")})`;
    context.diagnostics.report(lossesNotCombined, place, { example, count: losses.length });
    return undefined;
  }
  const at: Combination = { context, losses, used: new Map() };
  const plan = node(expression, "combine", at);
  if (plan === undefined) return undefined;
  let whole = true;
  for (const { name, span } of losses) {
    if (at.used.has(name)) continue;
    whole = false;
    const combined = [...at.used.keys()];
    context.diagnostics.report(
      lossNotCombined,
      span,
      { name, combined },
      {
        related: [{ span: expression.span, label: "the combination" }],
      },
    );
  }
  return whole ? plan : undefined;
}

function node(expression: Expression, path: string, at: Combination): CombinePlan | undefined {
  const sum = linear(expression, at);
  if (sum === undefined) return undefined;
  if (sum.kind === "constant") {
    at.context.diagnostics.report(malformedCombination, sum.span, {
      what: "A number without a loss is combined",
      why: "What is minimised is made of losses; a constant has no gradient.",
    });
    return undefined;
  }
  const [first] = sum.terms;
  if (sum.terms.length === 1 && first !== undefined && first.coefficient === 1)
    return leaf(first.leaf, path, at);
  const terms = sum.terms.map(({ coefficient, leaf: each }, place) => ({
    coefficient,
    node: leaf(each, `${path}/${place}`, at),
  }));
  let whole = true;
  for (const [place, { coefficient, node: plan }] of terms.entries()) {
    if (plan === undefined) whole = false;
    const held = Math.fround(coefficient);
    if (held > 0 && held < Infinity) continue;
    whole = false;
    const text = oneLine(textOf(sum.terms[place]!.leaf.span));
    at.context.diagnostics.report(malformedCombination, sum.terms[place]!.leaf.span, {
      what: `\`${text}\` is combined with the coefficient ${formatNumber(coefficient)}`,
      why:
        coefficient < 0
          ? "A loss is minimised; with a negative coefficient it would be made as large as possible."
          : held === 0
            ? "A loss with the coefficient 0 trains nothing, nor with one that float32 holds as 0."
            : "Training computes in float32, whose largest number is about 3.4e38.",
      help: "Write a positive coefficient of moderate size, or remove the loss.",
    });
  }
  return whole
    ? { kind: "sum", terms: terms as Extract<CombinePlan, { kind: "sum" }>["terms"], span: expression.span }
    : undefined;
}

/** Arithmetic on losses, multiplied out: only sums of constants times losses or strategies make sense. */
function linear(expression: Expression, at: Combination): Linear | undefined {
  const refuse = (what: string, why: string, help?: string): undefined => {
    at.context.diagnostics.report(malformedCombination, expression.span, {
      what,
      why,
      ...(help === undefined ? {} : { help }),
    });
    return undefined;
  };
  switch (expression.kind) {
    case "Missing":
      return undefined;
    case "Number":
      if (expression.unit !== undefined)
        return refuse(`\`${textOf(expression.span)}\` is no coefficient`, "A coefficient is a plain number.");
      return { kind: "constant", value: expression.value, span: expression.span };
    case "Name":
    case "Call":
      return { kind: "terms", terms: [{ coefficient: 1, leaf: expression }] };
    case "Unary": {
      const operand = expression.op === "-" ? linear(expression.operand, at) : undefined;
      if (expression.op === "not")
        return refuse("`not` combines no losses", "A combination is a sum of losses.");
      return operand === undefined ? undefined : scale(operand, -1);
    }
    case "Binary":
      return arithmetic(expression, at, refuse);
    default:
      return refuse(
        `\`${oneLine(textOf(expression.span))}\` cannot be combined`,
        "A combination is made of the model's losses, numbers, `+`, `*`, parentheses and strategies.",
      );
  }
}

function arithmetic(
  expression: Binary,
  at: Combination,
  refuse: (what: string, why: string, help?: string) => undefined,
): Linear | undefined {
  const left = linear(expression.left, at);
  const right = linear(expression.right, at);
  if (left === undefined || right === undefined) return undefined;
  const { op } = expression;
  switch (op) {
    case "+":
    case "-": {
      const sign = op === "+" ? 1 : -1;
      if (left.kind === "terms" && right.kind === "terms")
        return { kind: "terms", terms: [...left.terms, ...(scale(right, sign) as typeof right).terms] };
      if (left.kind === "constant" && right.kind === "constant")
        return { ...left, value: left.value + sign * right.value, span: expression.span };
      return refuse(
        "A number is added to a loss",
        "It would change the value but no gradient; a coefficient is multiplied.",
        "Write for example `0.5 * pull + rank`.",
      );
    }
    case "*":
      if (left.kind === "constant") return scale(right, left.value);
      if (right.kind === "constant") return scale(left, right.value);
      return refuse(
        "Two losses are multiplied",
        "A combination is a sum of losses, each with a number as its coefficient.",
      );
    case "/":
      if (right.kind === "constant" && right.value !== 0) return scale(left, 1 / right.value);
      return refuse(
        right.kind === "constant" ? "A loss is divided by 0" : "Something is divided by a loss",
        "A combination is a sum of losses, each with a number as its coefficient.",
      );
    default:
      return refuse(
        `\`${op}\` combines no losses`,
        "A combination is a sum of losses, each with a number as its coefficient.",
      );
  }
}

function scale(linearForm: Linear, factor: number): Linear {
  return linearForm.kind === "constant"
    ? { ...linearForm, value: linearForm.value * factor }
    : {
        kind: "terms",
        terms: linearForm.terms.map((term) => ({ ...term, coefficient: term.coefficient * factor })),
      };
}

/** A loss by name, or a strategy over operands. */
function leaf(expression: Name | Call, path: string, at: Combination): CombinePlan | undefined {
  const { diagnostics, scope } = at.context;
  const names = at.losses.map((loss) => loss.name);
  if (expression.kind === "Call") return strategy(expression, path, at);
  if (!names.includes(expression.text)) {
    const suggestion = closest(expression.text, names) ?? closest(expression.text, scope.names("strategy"));
    diagnostics.report(unknownName, expression.span, {
      name: expression.text,
      expected: "loss of this model",
      because: `A combination speaks of the losses by the names they have in \`losses\`: ${names.map((name) => `\`${name}\``).join(", ")}.`,
      ...(suggestion === undefined ? {} : { suggestion }),
    });
    return undefined;
  }
  const before = at.used.get(expression.text);
  if (before !== undefined) {
    diagnostics.report(
      lossCombinedTwice,
      expression.span,
      { name: expression.text },
      {
        related: [{ span: before, label: "the first place" }],
      },
    );
    return undefined;
  }
  at.used.set(expression.text, expression.span);
  return { kind: "loss", name: expression.text, span: expression.span };
}

function strategy(call: Call, path: string, at: Combination): CombinePlan | undefined {
  const { diagnostics, scope } = at.context;
  const resolved = resolveUse("strategy", call, scope, diagnostics);
  if (resolved === undefined) return undefined;
  const name = call.callee.text;
  const signature = signatureOf(resolved);
  const match = matchArguments(signature, call, diagnostics);
  const values = bindMatched(signature, match, scope, new Map(), diagnostics);
  const needs = resolved.declaration.needs.map((need) => need.text);
  if (name === "hierarchical") return hierarchy(call, path, needs, values, at);
  refuseBlock(call, diagnostics);
  if (match.rest.length === 0)
    diagnostics.report(malformedCombination, call.span, {
      what: `\`${name}\` combines nothing`,
      why: "A strategy weighs its operands, and it has none.",
      help: `Write for example \`${name}(${at.losses.map((loss) => loss.name).join(", ")})\`.`,
    });
  const operands = match.rest.map((operand, place) => ({
    name: oneLine(textOf(operand.span)),
    node: node(operand, `${path}/${place}`, at),
  }));
  return planned(call, path, needs, values, operands);
}

/** `hierarchical(by: …) { name: COMBINATION }` */
function hierarchy(
  call: Call,
  path: string,
  needs: readonly string[],
  values: Values | undefined,
  at: Combination,
): CombinePlan | undefined {
  const { diagnostics } = at.context;
  const groups = groupsOf(call, diagnostics) ?? [];
  const by = values?.get("by");
  const operands = groups.map((group, place) => {
    if (by?.kind === "word") checkGroupMatters(group, by.value, diagnostics);
    return { name: group.entry.name.text, node: node(group.value, `${path}/${place}`, at) };
  });
  return planned(call, path, needs, values, operands);
}

function planned(
  call: Call,
  path: string,
  needs: readonly string[],
  values: Values | undefined,
  operands: readonly { readonly name: string; readonly node: CombinePlan | undefined }[],
): CombinePlan | undefined {
  if (values === undefined || operands.length === 0 || operands.some((operand) => operand.node === undefined))
    return undefined;
  return {
    kind: "strategy",
    name: call.callee.text,
    path,
    values,
    needs,
    operands: operands as Extract<CombinePlan, { kind: "strategy" }>["operands"],
    span: call.span,
  };
}
