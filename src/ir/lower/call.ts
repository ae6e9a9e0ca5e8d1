/**
 * Lowering of calls: `let` functions (expanded once for equal arguments), measures, the primitive functions, and losses
 * used within a loss.
 */
import type { Call, Expression } from "../../syntax/ast.ts";
import type { LossInstance, MeasureValue } from "../../resolve/values.ts";
import { bindMeasureCall, splitMeasureArguments } from "../../resolve/bind.ts";
import { Diagnostics } from "../../diagnostics/diagnostic.ts";
import type { Span } from "../../source/source.ts";
import type { Axis, Lowered } from "../axes.ts";
import { isSlot, scalar } from "../axes.ts";
import type { BinaryOperator, UnaryOperator } from "../graph.ts";
import { constantOf, joinedDim } from "../graph.ts";
import { combine, masked, presenceOf } from "./combine.ts";
import type { Binding, Context, Expanded } from "./environment.ts";
import { Environment, LoweringError, SamplesError } from "./environment.ts";
import { identityOf } from "./identity.ts";
import { indexFirstSide } from "./indexing.ts";
import type { Label } from "./labels.ts";
import { classCount, labelsOf, onLabel } from "./labels.ts";
import { isOfSamples, pairAgainst } from "./memory.ts";
import { minedPair, restrictsPairs } from "./miners.ts";
import { isShared, mappedShares, sharesOf, sharesOfBinary, withShares } from "./shares.ts";

type LetBinding = Extract<Binding, { kind: "let" }>;

/** Functions of one number that keep absence. */
const UNARY: Readonly<Record<string, UnaryOperator>> = {
  relu: "relu",
  sigmoid: "sigmoid",
  tanh: "tanh",
  sqrt: "sqrt",
  abs: "abs",
  acos: "acos",
  cos: "cos",
  sin: "sin",
};
/** Functions that give 0 with zero gradient on an absent argument. */
const ABSORBING: Readonly<Record<string, UnaryOperator>> = {
  exp: "exp",
  softplus: "softplus",
  log1p: "log1p",
};
/** Parameters of the functions that do not take one `v`. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  max: ["a", "b"],
  min: ["a", "b"],
  ratio: ["a", "b"],
  norm: ["u"],
  normalize: ["u"],
  prefix: ["u", "size"],
  concat: ["u", "v"],
  same: ["i", "j"],
  differs: ["i", "j"],
  label: ["i"],
  classes: [],
};
/** Functions that may say by which label, `on: coarse`. */
const LABELLED: ReadonlySet<string> = new Set(["same", "differs", "label", "classes"]);
const BINARY: Readonly<Record<string, BinaryOperator>> = { max: "max", min: "min", ratio: "ratio" };

export function lowerCall(context: Context, call: Call, environment: Environment): Lowered {
  const name = call.callee.text;
  const binding = environment.lookup(name);
  if (binding?.kind === "let")
    return lowerLet(
      context,
      binding,
      argumentsOf(context, call, lettersOf(binding), environment),
      environment,
      call.span,
    );
  if (binding?.kind === "constant" && binding.value.kind === "measure")
    return lowerMeasure(context, binding.value, call, environment);
  if (binding?.kind === "constant" && binding.value.kind === "loss")
    return lowerInnerLoss(context, binding.value, call, environment);
  const measure = environment.scope.lookup("measure", name);
  if (measure !== undefined) {
    const constants = environment.constants();
    const bound = bindMeasureCall(call, measure, environment.scope, constants, new Diagnostics());
    if (bound === undefined) throw new LoweringError(call.span, `this use of \`${name}\``);
    return lowerMeasure(context, bound.measure, call, environment);
  }
  return lowerPrimitive(context, call, environment);
}

const lettersOf = (binding: LetBinding): string[] =>
  binding.declaration.parameters.map((parameter) => parameter.text);

/** Arguments in the order of the names, positional ones first. */
function arranged(call: Call, names: readonly string[]): Expression[] {
  const found = new Map<string, Expression>();
  let position = 0;
  for (const { name, value } of call.arguments) {
    const wanted = name?.text ?? names[position++];
    if (wanted === undefined || !names.includes(wanted) || found.has(wanted))
      throw new LoweringError(call.span, `\`${call.callee.text}\` with these arguments`);
    found.set(wanted, value);
  }
  if (found.size !== names.length)
    throw new LoweringError(call.span, `\`${call.callee.text}\` with these arguments`);
  return names.map((name) => found.get(name)!);
}

/** Arguments of a `let` function: an index stays an index, anything else is a value. */
function argumentsOf(
  context: Context,
  call: Call,
  names: readonly string[],
  environment: Environment,
): Binding[] {
  return arranged(call, names).map((value): Binding => {
    const bound = value.kind === "Name" ? environment.lookup(value.text) : undefined;
    if (bound !== undefined && bound.kind !== "let") return bound;
    return { kind: "value", value: context.lower(context, value, environment) };
  });
}

/** Expands a `let`: once for each list of arguments, wherever it is used. */
export function lowerLet(
  context: Context,
  binding: LetBinding,
  given: readonly Binding[],
  environment: Environment,
  place: Span,
): Lowered {
  const { declaration } = binding;
  if (given.length !== declaration.parameters.length)
    throw new LoweringError(place, `\`${declaration.name.text}\` with these arguments`);
  const { reducing } = context;
  if (!declaration.callable) context.reducing = binding.reducing;
  const value = expandedOnce(context, binding, given, () => {
    const inner = new Environment(binding.environment.scope, binding.environment);
    declaration.parameters.forEach((parameter, k) => inner.bind(parameter.text, given[k]!));
    const expanded =
      ownPair(context, declaration, given, inner, environment) ??
      context.lower(context, declaration.value, inner);
    if (expanded.node.shape.length > 0) expanded.node.hint ??= declaration.name.text;
    return expanded;
  });
  context.reducing = reducing;
  return value;
}

/**
 * A formula's own `same(i, j)` or `differs(i, j)`, which hides the language's: to a miner it is the pair, as a whole.
 * Undefined for any other `let`.
 */
function ownPair(
  context: Context,
  { name, value }: LetBinding["declaration"],
  given: readonly Binding[],
  inner: Environment,
  environment: Environment,
): Lowered | undefined {
  const [i, j, ...more] = given;
  if ((name.text !== "same" && name.text !== "differs") || more.length > 0) return undefined;
  if (i?.kind !== "index" || j?.kind !== "index") return undefined;
  const { guarding } = context;
  context.guarding = false;
  const { node, axes } = context.lower(context, value, inner);
  context.guarding = guarding;
  const indices = [i.axis, j.axis] as const;
  const pair: Lowered = { node, axes, pairs: [{ kind: name.text, indices, own: true }] };
  return minedPair(context, pair, indices, environment);
}

/**
 * What a definition comes to at given arguments, expanded once. Its outermost reductions are counted at every use: one
 * use may stand in a branch that is not taken.
 */
function expandedOnce(
  context: Context,
  definition: object,
  given: readonly Binding[],
  expand: () => Lowered,
): Lowered {
  const identities = given.map(identityOf);
  if (identities.includes(undefined)) return expand();
  // The same definition means more in a guard that a miner restricts.
  const place = restrictsPairs(context) ? "mined" : context.depth === 0 ? "outer" : "inner";
  // Against a memory, a reduction in no other one runs over less.
  const reach = context.memory === undefined || context.reducing ? "" : "leading ";
  const key = `${place} ${reach}${identities.join(" ")}`;
  const known = context.memo.get(definition) ?? new Map<string, Expanded>();
  context.memo.set(definition, known);
  const found = known.get(key);
  if (found !== undefined) {
    for (const tuples of found.outermost)
      if (!context.outermost.includes(tuples)) context.outermost.push(tuples);
    return found.value;
  }
  const before = context.outermost.length;
  const value = expand();
  known.set(key, { value, outermost: context.outermost.slice(before) });
  return value;
}

/** A distance or similarity of two vectors: its body with the operands bound. */
function lowerMeasure(
  context: Context,
  measure: MeasureValue,
  call: Call,
  environment: Environment,
): Lowered {
  const { declaration } = measure;
  const { operands } = splitMeasureArguments(call, declaration);
  const given = declaration.operands.map((_, k): Binding => {
    const argument = operands[k];
    if (argument === undefined)
      throw new LoweringError(call.span, `\`${declaration.name.text}\` of fewer than two vectors`);
    return { kind: "value", value: context.lower(context, argument, environment) };
  });
  const parameters = [...measure.parameters].map(([, value]): Binding => ({ kind: "constant", value }));
  return expandedOnce(context, declaration, [...given, ...parameters], () => {
    const inner = new Environment(measure.scope);
    for (const [name, value] of measure.parameters) inner.bind(name, { kind: "constant", value });
    declaration.operands.forEach((operand, k) => inner.bind(operand.text, given[k]!));
    const depth = context.depth;
    context.depth = Math.max(1, depth);
    const value = context.lower(context, declaration.body, inner);
    context.depth = depth;
    value.node.hint ??= measureName(declaration.name.text, declaration.polarity);
    return value;
  });
}

/** `cosine` -> `cosine_similarity`, `euclidean` -> `euclidean_distance`, `cosine_distance` as it is. */
function measureName(name: string, polarity: string): string {
  return name.includes(polarity) ? name : `${name}_${polarity}`;
}

function lowerPrimitive(context: Context, written: Call, environment: Environment): Lowered {
  const { build } = context;
  const name = written.callee.text;
  const names = PARAMETERS[name] ?? ["v"];
  const labelled = LABELLED.has(name) ? onLabel(context, written, environment) : undefined;
  const call = labelled?.rest ?? written;
  const given = arranged(call, names);
  const argument = (k: number): Expression => given[k]!;
  const value = (k: number): Lowered => context.lower(context, argument(k), environment);
  if (Object.hasOwn(UNARY, name)) return mapped(context, UNARY[name]!, value(0));
  if (Object.hasOwn(ABSORBING, name)) return absorbing(context, ABSORBING[name]!, value(0));
  if (Object.hasOwn(BINARY, name)) {
    const [op, a, b] = [BINARY[name]!, value(0), value(1)];
    const both = combine(context, op, a, b);
    return isShared(context) ? withShares(both, sharesOfBinary(context, op, a, b)) : both;
  }
  switch (name) {
    case "log": {
      const inner = value(0);
      const present = inner.nonEmpty ?? inner.present;
      const result = mapped(context, "log", { node: inner.node, axes: inner.axes });
      return present === undefined ? result : { ...result, present };
    }
    case "stop_gradient": {
      const [inner, held] = [value(0), (part: Lowered) => mapped(context, "stop_gradient", part)];
      const shares = isShared(context) ? sharesOf(context, inner) : undefined;
      return withShares(held(inner), shares === undefined ? undefined : mappedShares(shares, held));
    }
    case "concat":
      return lowerConcat(context, call, vectorOf(call, value(0)), vectorOf(call, value(1)));
    case "same":
    case "differs":
      return lowerPair(context, name, argument(0), argument(1), labelled!.label, environment);
    case "label":
      return indexFirstSide(context, labelsOf(context, labelled!.label), argument(0), environment);
    case "classes":
      return classCount(context, labelled!.label);
    case "norm": {
      const vector = vectorOf(call, value(0));
      if (vector.axes.filter(isSlot).length > 1) throw new LoweringError(call.span, "`norm` of a matrix");
      const node = build.unary("norm", vector.node);
      return { node, axes: vector.axes.slice(0, -1), ...presenceOf(vector) };
    }
    case "normalize":
      return mapped(context, "normalize", vectorOf(call, value(0)));
    case "prefix": {
      const vector = vectorOf(call, value(0));
      const size = constantOf(value(1).node);
      const last = vector.axes.at(-1)!;
      if (size === undefined || !Number.isInteger(size) || size < 1)
        throw new LoweringError(call.span, "a prefix whose size is not known before training");
      if (typeof last.size !== "number" || size > last.size)
        throw new LoweringError(call.span, `a prefix of ${size} of a vector of ${last.size}`);
      return {
        node: build.prefix(vector.node, size),
        axes: [...vector.axes.slice(0, -1), { ...last, size }],
        ...presenceOf(vector),
      };
    }
    default:
      throw new LoweringError(call.span, `the function \`${name}\``);
  }
}

/** Two tables without indices, one behind the other. */
function lowerConcat(context: Context, call: Call, first: Lowered, second: Lowered): Lowered {
  const [above, below] = [first.axes[0]!, second.axes[0]!];
  const side = joinedDim(above.size, below.size);
  if (side === undefined || !isSlot(above) || !isSlot(below) || context.memory !== undefined)
    throw new LoweringError(call.span, `\`concat\` of [${above.size}, …] and [${below.size}, …]`);
  const axes = [{ ...above, size: side }, ...first.axes.slice(1)];
  return { node: context.build.concat(first.node, second.node, side), axes };
}

/** A value that still has its last side. */
function vectorOf(call: Call, value: Lowered): Lowered {
  const last = value.axes.at(-1);
  if (last === undefined || !isSlot(last))
    throw new LoweringError(call.span, `\`${call.callee.text}\` of a number`);
  return value;
}

function mapped(context: Context, op: UnaryOperator, value: Lowered): Lowered {
  const node = context.build.unary(op, context.build.asReal(value.node));
  return { node, axes: value.axes, ...presenceOf(value) };
}

/** `exp`, `softplus` and `log1p` of an absent value are 0. */
function absorbing(context: Context, op: UnaryOperator, value: Lowered): Lowered {
  const result = mapped(context, op, { node: value.node, axes: value.axes });
  if (value.present === undefined) return result;
  return masked(context, result, value.present);
}

/** `same(i, j)` and `differs(i, j)`: whole matrices over plain batch indices. */
function lowerPair(
  context: Context,
  kind: "same" | "differs",
  first: Expression,
  second: Expression,
  label: Label,
  environment: Environment,
): Lowered {
  const axisOf = (expression: Expression): Axis => {
    const binding = expression.kind === "Name" ? environment.lookup(expression.text) : undefined;
    if (binding?.kind === "index" && !isOfSamples(context, binding.axis))
      throw new SamplesError(expression.span, `\`${kind}\``);
    if (binding?.kind !== "index")
      throw new LoweringError(expression.span, `\`${kind}\` of anything but two indices of the batch`);
    return binding.axis;
  };
  const indices: [Axis, Axis] = [axisOf(first), axisOf(second)];
  const axes = indices.toSorted((a, b) => a.order - b.order) as [Axis, Axis];
  const { build, memory } = context;
  const whole = (): Lowered =>
    memory === undefined
      ? { node: build.pairs(kind, label), axes }
      : pairAgainst(context, memory, kind, axes, label);
  const pair: Lowered =
    axes[0].order === axes[1].order
      ? scalar(build.graph.constant(0, "bool"))
      : { ...whole(), pairs: [{ kind, indices }] };
  return minedPair(context, pair, indices, environment);
}

/** A loss within a loss, `inner(x: normalize(prefix(x, m)))`: its formula on other embeddings. */
function lowerInnerLoss(
  context: Context,
  instance: LossInstance,
  call: Call,
  environment: Environment,
): Lowered {
  const names = instance.declaration.views?.map((view) => view.text) ?? ["x"];
  const views = names.map((name, k) => {
    const argument =
      call.arguments.find((candidate) => candidate.name?.text === name) ??
      call.arguments.filter((candidate) => candidate.name === undefined)[k];
    if (argument === undefined)
      throw new LoweringError(call.span, `a loss without its embeddings \`${name}\``);
    return context.lower(context, argument.value, environment);
  });
  return context.expand(context, instance, views);
}
