/**
 * The one law of binding arguments to signatures, for losses, measures, miners, backbones and primitives alike. An
 * argument resolves where it is written, a default where it was declared; defaults and bounds may mention parameters
 * before them; a name is looked up by the kind its parameter's type asks for. Called by the checker, the interpreter's
 * command and whoever needs a bound instance. Pure.
 */
import { cyclicDefinition } from "../diagnostics/codes/resolve.ts";
import { Diagnostics } from "../diagnostics/diagnostic.ts";
import type {
  Argument,
  Call,
  Declaration,
  Expression,
  MeasureDeclaration,
  TypeExpression,
} from "../syntax/ast.ts";
import { walk } from "../syntax/traverse.ts";
import { evaluateConstant } from "./evaluate.ts";
import { fit, type Target } from "./fit.ts";
import { matchArguments, matchList, type Match } from "./match.ts";
import { nameKindOf, type Resolved, type Scope } from "./scope.ts";
import { asUse, refuseBlock, resolveUse, signatureOf, type Signature, type Use } from "./use.ts";
import type { LossInstance, MeasureValue, MinerInstance, Value, Values } from "./values.ts";
import { inferenceFor, labelFor, metricFor, reportPolarity, wordFor } from "./words.ts";

/** Where an argument is written: what its names mean, and which declarations are being instantiated around it. */
interface Place {
  readonly scope: Scope;
  readonly environment: Values;
  readonly within: readonly Declaration[];
}

/**
 * Binds a use's arguments. `scope` and `environment` are those of the use. Every problem is reported; `undefined` if
 * there was one. Rest arguments (operands of strategies) are not constants and are left to the caller.
 */
export function bindArguments(
  signature: Signature,
  use: Use,
  scope: Scope,
  environment: Values,
  diagnostics: Diagnostics,
): Values | undefined {
  refuseBlock(use, diagnostics);
  const match = matchArguments(signature, use, diagnostics);
  return bindMatch(signature, match, { scope, environment, within: [] }, [], diagnostics);
}

/** As `bindArguments` after `matchArguments`: the second half, for callers that need the rest arguments as well. */
export function bindMatched(
  signature: Signature,
  match: Match,
  scope: Scope,
  environment: Values,
  diagnostics: Diagnostics,
): Values | undefined {
  return bindMatch(signature, match, { scope, environment, within: [] }, [], diagnostics);
}

/** `contrastive(margin: 0.5)` or `contrastive` as a loss with every parameter bound. */
export function instantiateLoss(
  expression: Expression,
  scope: Scope,
  environment: Values,
  diagnostics: Diagnostics,
): LossInstance | undefined {
  return instantiate("loss", expression, { scope, environment, within: [] }, diagnostics) as
    LossInstance | undefined;
}

/** `semi_hard(margin: 0.1)` as a miner with every parameter bound. */
export function instantiateMiner(
  expression: Expression,
  scope: Scope,
  environment: Values,
  diagnostics: Diagnostics,
): MinerInstance | undefined {
  return instantiate("miner", expression, { scope, environment, within: [] }, diagnostics) as
    MinerInstance | undefined;
}

/** `euclidean` or `minkowski(p: 3)`, as it stands for a `distance` or `similarity` parameter. */
export function instantiateMeasure(
  expression: Expression,
  scope: Scope,
  environment: Values,
  diagnostics: Diagnostics,
): MeasureValue | undefined {
  return instantiate("measure", expression, { scope, environment, within: [] }, diagnostics) as
    MeasureValue | undefined;
}

/**
 * A measure called in a formula, `minkowski(x[i], x[j], p: 3)`: its vectors, in the order of its operands, and the
 * measure with its own parameters bound. `undefined` after reporting.
 */
export function bindMeasureCall(
  call: Call,
  resolved: Resolved<"measure">,
  scope: Scope,
  environment: Values,
  diagnostics: Diagnostics,
): { operands: readonly Expression[]; measure: MeasureValue } | undefined {
  const { operands, settings } = splitMeasureArguments(call, resolved.declaration);
  const signature = signatureOf(resolved);
  const match = matchList(signature, settings, call, diagnostics);
  const parameters = bindMatch(signature, match, { scope, environment, within: [] }, [], diagnostics);
  if (parameters === undefined) return undefined;
  const { declaration } = resolved;
  return { operands, measure: { kind: "measure", declaration, parameters, scope: resolved.scope } };
}

/** The arguments of a measure's call that are its vectors (the first positional ones), and those that bind parameters. */
export function splitMeasureArguments(
  call: Call,
  declaration: MeasureDeclaration,
): { operands: readonly Expression[]; settings: readonly Argument[] } {
  const operands: Expression[] = [];
  const settings: Argument[] = [];
  for (const argument of call.arguments)
    if (argument.name === undefined && operands.length < declaration.operands.length)
      operands.push(argument.value);
    else settings.push(argument);
  return { operands, settings };
}

/**
 * The defaults of a declaration's parameters, as far as they have some, each held against its own type: what is known
 * of a declaration before any use. Problems are reported.
 */
export function bindDefaults(signature: Signature, diagnostics: Diagnostics): Values {
  const bound = new Map<string, Value>();
  const missing = new Set<string>();
  for (const parameter of signature.parameters) {
    const name = parameter.name.text;
    const target = { name: `the default of \`${name}\`` };
    const place = { scope: signature.scope, environment: bound, within: [] };
    // A default that mentions a parameter without one has a value at each use only.
    const open = parameter.default !== undefined && mentions(parameter.default, missing);
    const value =
      parameter.default === undefined || open
        ? undefined
        : valueFor(parameter.default, parameter.type, place, target, bound, diagnostics);
    if (value === undefined) missing.add(name);
    else bound.set(name, value);
  }
  return bound;
}

function mentions(expression: Expression, names: ReadonlySet<string>): boolean {
  let found = false;
  walk(expression, {
    enter: (node) => {
      if (node.kind === "Name" && names.has(node.text)) found = true;
    },
  });
  return found;
}

// ── The law itself ──────────────────────────────────────────────────────────────────────────────────────────────

function bindMatch(
  signature: Signature,
  match: Match,
  place: Place,
  /** The declarations being instantiated, this one included: a default that leads back to one of them never ends. */
  within: readonly Declaration[],
  diagnostics: Diagnostics,
): Values | undefined {
  const bound = new Map<string, Value>();
  let whole = match.complete;
  for (const parameter of signature.parameters) {
    if (parameter.type.rest) continue;
    const name = parameter.name.text;
    const given = match.given.get(parameter);
    const target = {
      name: `\`${name}\` of \`${signature.name}\``,
      declared: { span: parameter.span, label: "declared here" },
    };
    let value: Value | undefined;
    if (given !== undefined) {
      value = valueFor(given, parameter.type, place, target, bound, diagnostics);
    } else if (parameter.default !== undefined) {
      // A default may mention a parameter whose own value was refused; that has been reported.
      const speaker = whole ? diagnostics : new Diagnostics();
      const home = { scope: signature.scope, environment: bound, within };
      value = valueFor(parameter.default, parameter.type, home, target, bound, speaker);
    }
    if (value === undefined) whole = false;
    else bound.set(name, value);
  }
  return whole ? bound : undefined;
}

/** One argument or default as a value of its parameter's type. */
function valueFor(
  expression: Expression,
  type: TypeExpression,
  place: Place,
  target: Target,
  bound: Values,
  diagnostics: Diagnostics,
): Value | undefined {
  if (expression.kind === "Missing") return undefined;
  let value: Value | undefined;
  switch (type.name.text) {
    case "word":
      return wordFor(expression, type, target, diagnostics);
    case "inference":
      return inferenceFor(expression, target, diagnostics);
    case "label":
      return labelFor(expression, place.environment, target, diagnostics);
    case "metric":
      return metricFor(expression, place.scope, diagnostics);
    case "loss":
    case "miner":
    case "distance":
    case "similarity": {
      const passed = expression.kind === "Name" ? place.environment.get(expression.text) : undefined;
      const kind = type.name.text === "loss" || type.name.text === "miner" ? type.name.text : "measure";
      value = passed ?? instantiate(kind, expression, place, diagnostics, type.name.text);
      if (value?.kind === "measure" && value.declaration.polarity !== type.name.text) {
        reportPolarity(
          value,
          type.name.text as "distance" | "similarity",
          expression.span,
          place.scope,
          target,
          diagnostics,
        );
        return undefined;
      }
      break;
    }
    default:
      value = evaluateConstant(expression, place.environment, diagnostics);
  }
  return value === undefined ? undefined : fit(value, type, expression.span, target, bound, diagnostics);
}

function instantiate(
  kind: "loss" | "miner" | "measure",
  expression: Expression,
  place: Place,
  diagnostics: Diagnostics,
  noun: string = kind,
): LossInstance | MinerInstance | MeasureValue | undefined {
  const use = asUse(expression, `a ${noun}`, diagnostics);
  if (use === undefined) return undefined;
  const resolved = resolveUse(kind, use, place.scope, diagnostics, noun);
  return resolved === undefined ? undefined : instance(resolved, use, place, diagnostics);
}

function instance(
  resolved: Resolved<"loss" | "miner" | "measure">,
  use: Use,
  place: Place,
  diagnostics: Diagnostics,
): LossInstance | MinerInstance | MeasureValue | undefined {
  const { declaration, scope } = resolved;
  if (place.within.includes(declaration)) {
    const chain = [...place.within, declaration].map((each) => each.name.text);
    diagnostics.report(cyclicDefinition, use.span, {
      name: declaration.name.text,
      kind: nameKindOf(declaration),
      chain,
    });
    return undefined;
  }
  refuseBlock(use, diagnostics);
  const signature = signatureOf(resolved);
  const match = matchArguments(signature, use, diagnostics);
  const within = [...place.within, declaration];
  const parameters = bindMatch(signature, match, place, within, diagnostics);
  if (parameters === undefined) return undefined;
  switch (declaration.kind) {
    case "Loss":
      return { kind: "loss", declaration, parameters, scope, span: use.span };
    case "Miner":
      return { kind: "miner", declaration, parameters, scope, span: use.span };
    case "Measure":
      return { kind: "measure", declaration, parameters, scope };
  }
}
