/**
 * From a pipeline to its layers: names resolved, arguments bound, `repeat` unrolled, backbones expanded in place, and
 * every shape inferred and checked. Called for backbones and heads. Pure.
 */
import { budgetExceeded, imageTooSmall, shapeMismatch } from "../diagnostics/codes/check.ts";
import { cyclicDefinition, wrongArgumentType } from "../diagnostics/codes/resolve.ts";
import { Diagnostics, type Diagnostic, type RelatedPlace } from "../diagnostics/diagnostic.ts";
import type { LayerPlan, Shape } from "../plan/plan.ts";
import { bindArguments } from "../resolve/bind.ts";
import { describeValue, writeType } from "../resolve/describe.ts";
import { evaluateConstant } from "../resolve/evaluate.ts";
import type { Resolved, Scope } from "../resolve/scope.ts";
import { asUse, calleeOf, resolveUse, signatureOf, type Use } from "../resolve/use.ts";
import type { Value, Values } from "../resolve/values.ts";
import type { BackboneDeclaration, Expression, Residual } from "../syntax/ast.ts";
import { bindInput, outputShape } from "../types/declared_shapes.ts";
import { inferredShape } from "../types/layer_shapes.ts";
import { compatibleShapes, describeShape, writeShape } from "../types/shapes.ts";
import { reportNotBuilt } from "./built.ts";
import { budgets, type CheckContext } from "./context.ts";
import { projectionStride, reportInput, withinBudget } from "./stages.ts";

export interface Expanded {
  readonly layers: readonly LayerPlan[];
  /** `undefined` where an error left it open; the error has been reported. */
  readonly output: Shape | undefined;
}

/** One expansion: the layers so far, and what surrounds the stage at hand. */
interface Expansion {
  readonly context: CheckContext;
  readonly scope: Scope;
  readonly environment: Values;
  /** Prefix of the layers' paths. */
  readonly path: string;
  readonly layers: LayerPlan[];
  readonly within: readonly BackboneDeclaration[];
  readonly budget: { left: number; spent: boolean };
}

/**
 * The layers of a pipeline on inputs of a shape. Layer paths are `<path>/<number>.<name>`, numbered over the unrolled
 * list. Problems are reported; later stages are still checked as far as they can be.
 */
export function expandPipeline(
  expression: Expression,
  input: Shape | undefined,
  path: string,
  context: CheckContext,
): Expanded {
  const at = start(path, context);
  const output = expand(expression, input, at);
  return { layers: at.layers, output };
}

/**
 * A backbone by itself, used or not: parameters at their defaults (64 where a size has none), the image's sides unknown.
 * Only what holds for every image is checked.
 */
export function checkDeclaredBackbone(declaration: BackboneDeclaration, context: CheckContext): void {
  const use: Use = { kind: "Name", span: declaration.name.span, text: declaration.name.text };
  const quiet = new Diagnostics();
  const values = new Map<string, Value>();
  for (const parameter of declaration.parameters) {
    const value =
      parameter.default === undefined
        ? ({ kind: "number", value: 64 } as const)
        : evaluateConstant(parameter.default, values, quiet);
    if (value !== undefined) values.set(parameter.name.text, value);
  }
  const sides = declaration.input?.axes?.map((axis) => (axis.kind === "Number" ? axis.value : undefined));
  const input =
    declaration.input?.name.text === "vector"
      ? (sides ?? [undefined])
      : (sides ?? [undefined, undefined, undefined]);
  expandBody({ declaration, scope: context.scope }, values, input, use, start("", context));
}

function start(path: string, context: CheckContext): Expansion {
  return {
    context,
    scope: context.scope,
    environment: new Map(),
    path,
    layers: [],
    within: [],
    budget: { left: budgets.layers, spent: false },
  };
}

function expand(expression: Expression, input: Shape | undefined, at: Expansion): Shape | undefined {
  if (at.budget.spent) return undefined;
  switch (expression.kind) {
    case "Missing":
      return undefined;
    case "Pipeline": {
      let shape = input;
      for (const stage of expression.stages) shape = expand(stage, shape, at);
      return shape;
    }
    case "Repeat": {
      const count = repeatCount(expression.count, at);
      let shape = input;
      for (let round = 0; round < (count ?? 1) && !at.budget.spent; round++) {
        shape = expand(expression.body, shape, at);
        // A faulty body spends nothing of the budget, and another round finds nothing new.
        if (shape === undefined) break;
      }
      return count === undefined ? undefined : shape;
    }
    case "Residual":
      return residual(expression, input, at);
    default: {
      const use = asUse(expression, "a layer", at.context.diagnostics);
      return use === undefined ? undefined : stage(use, input, at);
    }
  }
}

function repeatCount(expression: Expression, at: Expansion): number | undefined {
  const { diagnostics } = at.context;
  const value = evaluateConstant(expression, at.environment, diagnostics);
  if (value === undefined) return undefined;
  if (
    value.kind === "number" &&
    value.unit === undefined &&
    Number.isInteger(value.value) &&
    value.value >= 1
  )
    return value.value;
  diagnostics.report(wrongArgumentType, expression.span, {
    target: "`repeat`",
    given: describeValue(value),
    needed: "a whole number of at least 1",
  });
  return undefined;
}

function stage(use: Use, input: Shape | undefined, at: Expansion): Shape | undefined {
  const { diagnostics } = at.context;
  const { text } = calleeOf(use);
  const weights =
    use.kind === "Call" ? use.arguments.find((each) => each.name?.text === "weights") : undefined;
  if (weights !== undefined) {
    reportNotBuilt(
      "Pretrained weights",
      weights.span,
      diagnostics,
      "Remove the argument: training starts from random weights then.",
    );
    return undefined;
  }
  const backbone =
    at.scope.lookup("layer", text) === undefined ? at.scope.lookup("backbone", text) : undefined;
  if (backbone !== undefined) return nested(use, backbone, input, at);
  const layer = resolveUse("layer", use, at.scope, diagnostics);
  if (layer === undefined) return undefined;
  if (!spend(use, at)) return undefined;
  const values = bindArguments(signatureOf(layer), use, at.scope, at.environment, diagnostics);
  if (values === undefined || input === undefined) return undefined;
  const { declaration } = layer;
  const bound = bindInput(declaration.result, input, values);
  if (bound === undefined) {
    reportInput(use, declaration.result, input, at.context.diagnostics);
    return undefined;
  }
  const output = outputShape(declaration.output, inferredShape(text, input, values) ?? input, bound);
  if (output.some((side) => side !== undefined && side < 1)) {
    const size = values.get("size");
    diagnostics.report(imageTooSmall, use.span, {
      layer: text,
      given: describeShape(input),
      size: size?.kind === "number" ? size.value : 1,
    });
    return undefined;
  }
  if (!withinBudget(use, input, output, values, diagnostics)) return undefined;
  const path = `${at.path}/${at.layers.length}.${text}`;
  at.layers.push({ kind: "layer", name: text, values, path, input, output, span: use.span });
  return output;
}

/** A backbone as a stage: its own pipeline, in its own scope, between its declared input and output. */
function nested(
  use: Use,
  resolved: Resolved<"backbone">,
  input: Shape | undefined,
  at: Expansion,
): Shape | undefined {
  const { diagnostics } = at.context;
  const { declaration } = resolved;
  if (at.within.includes(declaration)) {
    const chain = [...at.within, declaration].map((each) => each.name.text);
    const name = declaration.name.text;
    diagnostics.report(cyclicDefinition, use.span, { name, kind: "backbone", chain });
    return undefined;
  }
  const values = bindArguments(signatureOf(resolved), use, at.scope, at.environment, diagnostics);
  if (values === undefined) return undefined;
  // What is wrong inside a backbone of the standard library is the use's doing, and is reported there.
  const found = new Diagnostics();
  const output = expandBody(resolved, values, input, use, {
    ...at,
    context: { ...at.context, diagnostics: found },
  });
  for (const each of found.all)
    diagnostics.add(each.span.file.standard && !use.span.file.standard ? atUse(each, use) : each);
  return output;
}

function atUse(diagnostic: Diagnostic, use: Use): Diagnostic {
  const place = { span: diagnostic.span, label: `in \`${calleeOf(use).text}\`` };
  return { ...diagnostic, span: use.span, related: [place, ...diagnostic.related] };
}

/** A backbone's pipeline with its parameters bound, between its declared input and output. */
function expandBody(
  resolved: Resolved<"backbone">,
  values: Values,
  input: Shape | undefined,
  use: Use,
  at: Expansion,
): Shape | undefined {
  const { declaration } = resolved;
  const bound = input === undefined ? values : bindInput(declaration.input, input, values);
  if (bound === undefined) {
    if (input !== undefined) reportInput(use, declaration.input, input, at.context.diagnostics);
    return undefined;
  }
  const within = [...at.within, declaration];
  const output = expand(declaration.body, input, {
    ...at,
    scope: resolved.scope,
    environment: bound,
    within,
  });
  if (output === undefined || declaration.output === undefined) return output;
  const declared = outputShape(declaration.output, output, bound);
  if (compatibleShapes(declared, output)) return output;
  at.context.diagnostics.report(
    shapeMismatch,
    declaration.output.span,
    {
      what: `\`${declaration.name.text}\``,
      expected: `\`${writeShape(declared)}\``,
      found: `\`${writeShape(output)}\``,
      why: `The declared output is \`${writeType(declaration.output)}\`, and it is what stages after this backbone rely on.`,
    },
    { related: mismatchPlaces(declaration, use, output) },
  );
  return output;
}

/** The last stage, which gives another shape than declared, and the use, where there is one. */
function mismatchPlaces(declaration: BackboneDeclaration, use: Use, output: Shape): RelatedPlace[] {
  const { body } = declaration;
  const last = body.kind === "Pipeline" ? (body.stages.at(-1) ?? body) : body;
  const places = [{ span: last.span, label: `gives \`${writeShape(output)}\`` }];
  return use.span === declaration.name.span ? places : [...places, { span: use.span, label: "used here" }];
}

/** `residual { … }`: its input is added to what the body gives, projected where the shapes differ. */
function residual(expression: Residual, input: Shape | undefined, at: Expansion): Shape | undefined {
  const path = `${at.path}/${at.layers.length}.residual`;
  const body: LayerPlan[] = [];
  const output = expand(expression.body, input, { ...at, path, layers: body });
  if (input === undefined || output === undefined) return undefined;
  const place = { kind: "residual", path, body, input, output, span: expression.span } as const;
  if (compatibleShapes(input, output)) {
    at.layers.push(place);
    return output;
  }
  // Sides that are not known yet are taken to be reachable.
  if ([...input, ...output].includes(undefined)) return output;
  const stride = projectionStride(input, output);
  if (stride === undefined) {
    at.context.diagnostics.report(shapeMismatch, expression.span, {
      what: "The body of `residual`",
      expected: `a shape that its input, ${describeShape(input)}, can be projected to`,
      found: describeShape(output),
      why: "The input is added to the body's output; where their shapes differ it is projected by a 1x1 convolution, which keeps an image an image and shrinks both sides alike.",
    });
    return undefined;
  }
  at.layers.push({ ...place, projection: { stride } });
  return output;
}

function spend(use: Use, at: Expansion): boolean {
  if (at.budget.left-- > 0) return true;
  if (!at.budget.spent)
    at.context.diagnostics.report(budgetExceeded, use.span, {
      what: "This pipeline unrolls to too many layers",
      limit: `${budgets.layers} layers`,
      help: "Repeat fewer times.",
    });
  at.budget.spent = true;
  return false;
}
