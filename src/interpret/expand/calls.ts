/**
 * Expands calls in a formula: `let` functions, measures, inner losses, and the functions of the language. A loss's own
 * names come first, then measures in scope, then functions. Called by `expand.ts`. Pure.
 */
import type { Argument, Call } from "../../syntax/ast.ts";
import type { MeasureValue, Value } from "../../resolve/values.ts";
import { InterpretError } from "../errors.ts";
import type { Graph } from "../graph.ts";
import type { Node } from "../nodes.ts";
import type { BinaryOperator, UnaryOperator } from "../scalars.ts";
import { Frame, meaningOf } from "./environment.ts";
import type { Meaning } from "./environment.ts";
import { elementwise, expand, expandNode, scalar } from "./expand.ts";
import type { Expansion } from "./expand.ts";
import { expandInnerLoss } from "./loss.ts";
import { minedPair } from "./miners.ts";
import { claim, isTensor, key } from "./tensor.ts";
import type { Operand } from "./tensor.ts";

const UNARY: ReadonlySet<string> = new Set<UnaryOperator>([
  "relu",
  "softplus",
  "sigmoid",
  "tanh",
  "exp",
  "log",
  "log1p",
  "sqrt",
  "abs",
  "acos",
  "cos",
  "sin",
]);
const BINARY: ReadonlySet<string> = new Set<BinaryOperator>(["max", "min", "ratio"]);

export function expandCall(e: Expansion, call: Call, frame: Frame): Operand {
  const name = call.callee.text;
  const meaning = frame.find(name);
  if (meaning?.kind === "let") return expandLet(e, call, meaning, frame);
  if (meaning?.kind === "measure") return expandMeasure(e, call, meaning.measure, frame);
  if (meaning?.kind === "loss") return expandInnerLoss(e, call, name, meaning.loss, frame);
  if (meaning !== undefined && name !== "classes")
    throw new InterpretError(`${name} cannot be called`, call.callee.span);
  const measure = frame.scope.lookup("measure", name);
  if (measure !== undefined)
    return expandMeasure(
      e,
      call,
      { kind: "measure", declaration: measure.declaration, parameters: new Map(), scope: measure.scope },
      frame,
    );
  // A function of numbers nests deep: nothing more than its arguments stays on the stack meanwhile.
  if (UNARY.has(name)) return expandUnary(e, call, frame);
  if (BINARY.has(name)) return expandBinaryFunction(e, call, frame);
  return expandFunction(e, call, frame);
}

/** The arguments in the order of the names, positional ones first. */
function arrange(call: Call, names: readonly string[]): Argument[] {
  const slots = new Map<string, Argument>();
  let position = 0;
  for (const argument of call.arguments) {
    const name = argument.name?.text ?? names[position++];
    if (name === undefined || !names.includes(name) || slots.has(name))
      throw new InterpretError(`${call.callee.text} takes (${names.join(", ")})`, argument.span);
    slots.set(name, argument);
  }
  if (slots.size !== names.length)
    throw new InterpretError(`${call.callee.text} takes (${names.join(", ")})`, call.span);
  return names.map((name) => slots.get(name)!);
}

function expandLet(e: Expansion, call: Call, meaning: Meaning & { kind: "let" }, frame: Frame): Operand {
  const names = meaning.let.parameters.map((parameter) => parameter.text);
  const operands = arrange(call, names).map((argument) => expand(e, argument.value, frame));
  return memoised(e, `let ${meaning.id}`, operands, () => {
    const inner = meaning.frame.child();
    names.forEach((name, position) => inner.bind(name, operands[position]!));
    const own = ownPair(e, call.callee.text, operands, () => expandNode(e, meaning.let.value, inner), frame);
    return own ?? expand(e, meaning.let.value, inner);
  });
}

/**
 * A formula's own `same(i, j)` or `differs(i, j)`, which hides the language's: to a miner it is the pair, as a whole.
 * Undefined for any other `let`.
 */
function ownPair(
  e: Expansion,
  name: string,
  operands: readonly Operand[],
  condition: () => Node,
  frame: Frame,
): Node | undefined {
  const [i, j, ...more] = operands;
  if ((name !== "same" && name !== "differs") || more.length > 0) return undefined;
  if (i === undefined || j === undefined || isTensor(i) || isTensor(j)) return undefined;
  const { guarding } = e;
  e.guarding = false;
  const by = condition();
  e.guarding = guarding;
  return minedPair(e, e.graph.pair(name, i, j, by), i, j, frame);
}

function expandMeasure(e: Expansion, call: Call, measure: MeasureValue, frame: Frame): Operand {
  const { declaration } = measure;
  const names = declaration.operands.map((operand) => operand.text);
  const own = new Set(declaration.parameters.map((parameter) => parameter.name.text));
  const vectors = {
    ...call,
    arguments: call.arguments.filter((a) => a.name === undefined || !own.has(a.name.text)),
  };
  const operands = arrange(vectors, names).map((argument) => expand(e, argument.value, frame));
  const inner = new Frame(measure.scope);
  const settings: string[] = [];
  for (const parameter of declaration.parameters) {
    const name = parameter.name.text;
    const given = call.arguments.find((argument) => argument.name?.text === name);
    const bound = measure.parameters.get(name);
    if (given !== undefined) inner.bind(name, expand(e, given.value, frame));
    else if (bound !== undefined) inner.set(name, valueMeaning(e.graph, bound, call));
    else if (parameter.default !== undefined)
      inner.bind(name, expand(e, parameter.default, new Frame(measure.scope)));
    else throw new InterpretError(`${call.callee.text} needs ${name}`, call.span);
    const meaning = inner.find(name)!;
    settings.push(meaning.kind === "operand" ? key(meaning.operand) : meaning.kind);
  }
  const id = `measure ${declaration.span.file.path} ${declaration.span.start} ${settings.join()}`;
  return memoised(e, id, operands, () => {
    names.forEach((name, position) => inner.bind(name, operands[position]!));
    return expand(e, declaration.body, inner);
  });
}

function valueMeaning(graph: Graph, value: Value, call: Call): Meaning {
  const meaning = meaningOf(value, graph);
  if (meaning === undefined)
    throw new InterpretError("a value of this kind has no meaning in a formula", call.span);
  return meaning;
}

/** A macro at the same arguments is the same node: what makes expansion linear in what is written. */
function memoised(e: Expansion, macro: string, operands: readonly Operand[], make: () => Operand): Operand {
  // The same macro means more in a guard that a miner restricts.
  const place = e.guarding && e.miner !== undefined ? "guard " : "";
  // With a memory, a reduction in no other one runs over less.
  const reach = e.samples > e.batch && !e.reducing ? "outermost " : "";
  const name = `${place}${reach}${macro}(${operands.map(key).join()})`;
  let made = e.memo.get(name);
  if (made === undefined) e.memo.set(name, (made = make()));
  return made;
}

function expandUnary(e: Expansion, call: Call, frame: Frame): Operand {
  const op = call.callee.text as UnaryOperator;
  const v = expand(e, arrange(call, ["v"])[0]!.value, frame);
  return elementwise(e, [v], (n) => e.graph.unary(op, n[0]!), call.span);
}

function expandBinaryFunction(e: Expansion, call: Call, frame: Frame): Operand {
  const op = call.callee.text as BinaryOperator;
  const operands = arrange(call, ["a", "b"]).map((argument) => expand(e, argument.value, frame));
  return elementwise(e, operands, (n) => e.graph.binary(op, n[0]!, n[1]!), call.span);
}

function expandFunction(e: Expansion, call: Call, frame: Frame): Operand {
  const { graph, tensors } = e;
  const name = call.callee.text;
  const operand = (argument: Argument): Operand => expand(e, argument.value, frame);
  switch (name) {
    case "stop_gradient": {
      const [v] = arrange(call, ["v"]).map(operand);
      return isTensor(v!) ? tensors.stopGradient(v) : graph.unary("stop_gradient", v!);
    }
    case "norm":
    case "normalize": {
      const [u] = arrange(call, ["u"]).map(operand);
      if (!isTensor(u!)) throw new InterpretError(`${name} takes a vector`, call.span);
      return name === "norm" ? tensors.norm(u, call.span) : tensors.normalize(u);
    }
    case "prefix": {
      const [u, size] = arrange(call, ["u", "size"]).map(operand);
      if (!isTensor(u!)) throw new InterpretError("prefix takes a vector", call.span);
      const length = scalar(size!, call.span);
      if (length.kind !== "number") throw new InterpretError("prefix takes a constant size", call.span);
      return tensors.prefix(u, length.value, call.span);
    }
    case "concat":
      return expandConcat(e, call, frame);
    case "same":
    case "differs": {
      const { rest, label } = e.labels.of(call, frame);
      const [i, j] = arrange(rest, ["i", "j"]).map((argument) => expandNode(e, argument.value, frame)) as [
        Node,
        Node,
      ];
      claim(i, e.samples, true, call.span);
      claim(j, e.samples, true, call.span);
      return minedPair(e, graph.pair(name, i, j, label.input), i, j, frame);
    }
    case "label": {
      const { rest, label } = e.labels.of(call, frame);
      const [i] = arrange(rest, ["i"]).map((argument) => expandNode(e, argument.value, frame));
      return tensors.at(label.input, [i!], call.span);
    }
    case "classes": {
      const { rest, label } = e.labels.of(call, frame);
      arrange(rest, []);
      return graph.number(label.classes);
    }
    default:
      throw new InterpretError(`${name} is no function`, call.callee.span);
  }
}

function expandConcat(e: Expansion, call: Call, frame: Frame): Operand {
  const [u, v] = arrange(call, ["u", "v"]).map((argument) => expand(e, argument.value, frame));
  if (!isTensor(u!) || !isTensor(v!)) throw new InterpretError("concat takes two tables", call.span);
  if (e.samples > e.batch) throw new InterpretError("concat of embeddings against a memory", call.span);
  return e.tensors.concat(u, v, call.span);
}
