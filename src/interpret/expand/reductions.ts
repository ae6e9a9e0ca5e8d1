/**
 * Expands reductions: finds the domain of every bound index, unrolls lists, sorts guards by the index that decides
 * them, and turns the call forms (softmax, cross-entropy, variance) into nodes. Called by `expand.ts`. Pure.
 *
 * Laws beyond language.md's letter:
 *   softmax[c](s) and log_softmax[c](s) are taken over the tuples that pass the guards and have a value; at an enclosing
 *   c that is not among them they are absent.
 *   cross_entropy[k](s, target) is logsumexp over those tuples minus s at the target; absent if the target is not among
 *   them.
 *   A reduction over a list is one reduction over its elements, but for `valid` (interpret.ts) it is transparent.
 */
import type { Expression, IndexBinding, Reduction } from "../../syntax/ast.ts";
import { DOMAIN, EXPANDED_NODES } from "../budget.ts";
import { BudgetError, InterpretError } from "../errors.ts";
import { conjuncts, numberOf } from "../graph.ts";
import type { Branch, Node, Variable } from "../nodes.ts";
import type { Frame } from "./environment.ts";
import { expand, expandNode } from "./expand.ts";
import type { Expansion } from "./expand.ts";
import { drawFor } from "./draws.ts";
import { minedTriple } from "./miners.ts";
import { claim, isTensor, unify } from "./tensor.ts";

type Domain =
  | { readonly kind: "found from use" }
  | { readonly kind: "range"; readonly start: number; readonly size: number }
  | { readonly kind: "list"; readonly values: readonly number[] };

export function expandReduction(e: Expansion, reduction: Reduction, frame: Frame): Node {
  switch (reduction.op) {
    case "softmax":
    case "log_softmax":
      return softmax(e, reduction, frame);
    case "cross_entropy":
      return crossEntropy(e, reduction, frame);
    case "sample": {
      const inside = branches(e, reduction, reduction.bodies[0]!, frame);
      return e.graph.reduce("sample", inside, drawFor(e, reduction, frame));
    }
    case "solve":
      return solve(e, reduction, frame);
    case "kmeans":
      return kmeans(e, reduction, frame);
    default:
      return e.graph.reduce(reduction.op, branches(e, reduction, reduction.bodies[0]!, frame));
  }
}

function domainOf(e: Expansion, binding: IndexBinding, frame: Frame): Domain {
  const { domain } = binding;
  if (domain === undefined) return { kind: "found from use" };
  if (domain.kind === "List")
    return { kind: "list", values: domain.items.map((item) => constant(e, item, frame)) };
  if (domain.kind === "Name") {
    const meaning = frame.find(domain.text);
    if (meaning?.kind === "list") return { kind: "list", values: meaning.values };
  }
  const from = domain.kind === "Range" ? constant(e, domain.from, frame) : 0;
  const to = constant(e, domain.kind === "Range" ? domain.to : domain, frame);
  if (!Number.isInteger(from) || !Number.isInteger(to))
    throw new InterpretError("the bounds of an index's domain are whole numbers", domain.span);
  if (to - from > DOMAIN)
    throw new BudgetError(`a domain of ${to - from} elements is too large to interpret`, domain.span);
  return { kind: "range", start: from, size: Math.max(to - from, 0) };
}

function constant(e: Expansion, expression: Expression, frame: Frame): number {
  const value = numberOf(expandNode(e, expression, frame));
  if (value === undefined) throw new InterpretError("an index's domain is a constant", expression.span);
  return value;
}

/** The ways through a reduction: one, or one for each element (or combination of elements) of its lists. */
function branches(e: Expansion, reduction: Reduction, body: Expression, frame: Frame): readonly Branch[] {
  const domains = reduction.indices.map((binding) => domainOf(e, binding, frame));
  const count = domains.reduce((product, d) => product * (d.kind === "list" ? d.values.length : 1), 1);
  if (count > EXPANDED_NODES)
    throw new BudgetError("this list has too many elements to unroll", reduction.span);
  const found: Branch[] = [];
  for (let combination = 0; combination < count; combination++) {
    let rest = combination;
    const elements = domains.map((domain) => {
      if (domain.kind !== "list") return domain;
      const value = domain.values[rest % domain.values.length]!;
      rest = Math.floor(rest / domain.values.length);
      return value;
    });
    found.push(branch(e, reduction, elements, body, frame));
  }
  return found;
}

function branch(
  e: Expansion,
  reduction: Reduction,
  elements: readonly (Domain | number)[],
  body: Expression,
  outer: Frame,
): Branch {
  const { graph } = e;
  const frame = outer.child();
  const variables: Variable[] = [];
  reduction.indices.forEach((binding, position) => {
    const element = elements[position]!;
    if (typeof element === "number") {
      frame.bind(binding.name.text, graph.number(element));
      return;
    }
    const variable = graph.variable(binding.name.text, element.kind === "range" ? element : undefined);
    variable.samples = namesBatch(binding.domain);
    variables.push(variable);
    frame.bind(binding.name.text, graph.reference(variable));
  });
  const first = reduction.indices[0];
  const reducing = e.reducing;
  if (!reducing && variables[0] !== undefined) variables[0].staysInBatch = true;
  e.reducing ||= variables.length > 0;
  const guards = guardsOf(e, reduction, frame);
  const value = expandNode(e, body, frame);
  requireDomains(reduction, variables);
  guards.push(...minedTriple(e, guards, variables, frame));
  e.reducing = reducing;
  const element =
    ["argmax", "argmin", "sample"].includes(reduction.op) && first !== undefined
      ? expandNode(e, { kind: "Name", span: first.span, text: first.name.text }, frame)
      : undefined;
  return {
    variables,
    guards: byLevel(guards, variables),
    body: value,
    ...(element === undefined ? {} : { element }),
  };
}

/** Whether a domain is the samples of the batch: `in batch`. */
function namesBatch(domain: Expression | undefined): boolean {
  const end = domain?.kind === "Range" ? domain.to : domain;
  return end?.kind === "Name" && end.text === "batch";
}

function guardsOf(e: Expansion, reduction: Reduction, frame: Frame): Node[] {
  const before = e.guarding;
  e.guarding = true;
  const guards = reduction.guards.flatMap((guard) => conjuncts(expandNode(e, guard, frame)));
  e.guarding = before;
  return guards.filter((guard) => !(guard.kind === "truth" && guard.value));
}

function requireDomains(reduction: Reduction, variables: readonly Variable[]): void {
  for (const variable of variables) {
    if (variable.size !== undefined) continue;
    const binding = reduction.indices.find((index) => index.name.text === variable.name);
    throw new InterpretError(
      `nothing says what ${variable.name} runs over: index something with it, or write \`${variable.name} in n\``,
      binding?.span ?? reduction.span,
    );
  }
}

/** Each guard at the first place where all its indices have values. */
function byLevel(guards: readonly Node[], variables: readonly Variable[]): Node[][] {
  const levels: Node[][] = Array.from({ length: variables.length + 1 }, () => []);
  for (const guard of guards) {
    let level = 0;
    variables.forEach((variable, position) => {
      if (guard.free.includes(variable)) level = position + 1;
    });
    levels[level]!.push(guard);
  }
  return levels;
}

/** softmax = exp(s - logsumexp), log_softmax = s - logsumexp, at the enclosing index of the same name. */
function softmax(e: Expansion, reduction: Reduction, frame: Frame): Node {
  const { graph } = e;
  const inside = branches(e, reduction, reduction.bodies[0]!, frame);
  for (const binding of reduction.indices)
    if (frame.find(binding.name.text)?.kind !== "operand")
      throw new InterpretError(
        `${reduction.op}[${binding.name.text}] has its value at an enclosing ${binding.name.text}, and there is none`,
        binding.span,
      );
  inside[0]?.variables.forEach((variable) => {
    const meaning = frame.find(variable.name);
    if (meaning?.kind === "operand" && !("shape" in meaning.operand) && variable.size !== undefined)
      claim(meaning.operand, variable.size, variable.samples, reduction.span);
  });
  const guards = guardsOf(e, reduction, frame);
  const here = expandNode(e, reduction.bodies[0]!, frame);
  const difference = graph.binary("-", here, graph.reduce("logsumexp", inside));
  return graph.guarded(
    guards,
    reduction.op === "softmax" ? graph.unary("probability", difference) : difference,
  );
}

function crossEntropy(e: Expansion, reduction: Reduction, frame: Frame): Node {
  const [logits, target] = reduction.bodies;
  const index = reduction.indices[0];
  if (logits === undefined || target === undefined || index === undefined || reduction.indices.length !== 1)
    throw new InterpretError(
      "cross_entropy[k](logits, target) takes one index and two arguments",
      reduction.span,
    );
  const total = e.graph.reduce("logsumexp", branches(e, reduction, logits, frame));
  const reducing = e.reducing;
  e.reducing = true;
  const chosen = frame.child();
  chosen.bind(index.name.text, expandNode(e, target, frame));
  const guards = guardsOf(e, reduction, chosen);
  const here = expandNode(e, logits, chosen);
  e.reducing = reducing;
  return e.graph.guarded(guards, e.graph.binary("-", total, here));
}

/** An index of `solve` or `kmeans`, over what `in` says or its use. */
function boundIndex(e: Expansion, binding: IndexBinding, frame: Frame): Variable {
  const domain = domainOf(e, binding, frame);
  if (domain.kind === "list") throw new InterpretError("this index runs over no list", binding.span);
  return e.graph.variable(binding.name.text, domain.kind === "range" ? domain : undefined);
}

/** The enclosing index at which `solve` and `kmeans` have their value. */
function enclosing(reduction: Reduction, binding: IndexBinding, frame: Frame): Node {
  const meaning = frame.find(binding.name.text);
  if (meaning?.kind !== "operand" || isTensor(meaning.operand))
    throw new InterpretError(
      `${reduction.op} has its value at an enclosing ${binding.name.text}, and there is none`,
      binding.span,
    );
  return meaning.operand;
}

/** The indices that a system is written in: at the same place with the same surroundings its matrix is the same. */
const systemIndices = new WeakMap<Frame, Map<string, readonly [Variable, Variable]>>();

function indicesOf(
  e: Expansion,
  { span }: Reduction,
  [first, second]: readonly [IndexBinding, IndexBinding],
  frame: Frame,
): readonly [Variable, Variable] {
  const { root, surroundings } = frame;
  const known = systemIndices.get(root) ?? new Map<string, readonly [Variable, Variable]>();
  systemIndices.set(root, known);
  const place = `${span.start} ${surroundings}`;
  const found = known.get(place) ?? [boundIndex(e, first, frame), boundIndex(e, second, frame)];
  known.set(place, found);
  return found;
}

/** `solve[q, u](matrix, right)`: the number at the enclosing u of the solution. */
function solve(e: Expansion, reduction: Reduction, frame: Frame): Node {
  const [matrix, right] = reduction.bodies;
  const [first, second, ...more] = reduction.indices;
  if (first === undefined || second === undefined || right === undefined || more.length > 0)
    throw new InterpretError(
      "solve[q, u](matrix, right) takes two indices and two arguments",
      reduction.span,
    );
  const at = enclosing(reduction, second, frame);
  const [equation, unknown] = indicesOf(e, reduction, [first, second], frame);
  const { reducing } = e;
  e.reducing = true;
  const ofEquations = frame.child();
  ofEquations.bind(first.name.text, e.graph.reference(equation));
  const ofBoth = ofEquations.child();
  ofBoth.bind(second.name.text, e.graph.reference(unknown));
  const entries = expandNode(e, matrix!, ofBoth);
  const values = expandNode(e, right, ofEquations);
  e.reducing = reducing;
  // One axis for both, and for the index around them if no use says which.
  unify(e.graph.reference(equation), e.graph.reference(unknown), e.samples);
  unify(e.graph.reference(unknown), at, e.samples);
  unify(e.graph.reference(equation), e.graph.reference(unknown), e.samples);
  requireDomains(reduction, [equation, unknown]);
  if (equation.size !== unknown.size)
    throw new InterpretError(`${equation.size} equations for ${unknown.size} unknowns`, reduction.span);
  return e.graph.solve(equation, unknown, entries, values, at);
}

/** `kmeans[i | guards](u(i), clusters)`: the cluster of the enclosing i. */
function kmeans(e: Expansion, reduction: Reduction, frame: Frame): Node {
  const { graph, tensors } = e;
  const [body, clusters] = reduction.bodies;
  const [binding, ...more] = reduction.indices;
  if (binding === undefined || clusters === undefined || more.length > 0)
    throw new InterpretError("kmeans[i](point, clusters) takes one index and two arguments", reduction.span);
  const count = constant(e, clusters, frame);
  if (!Number.isInteger(count) || count < 1)
    throw new InterpretError(`${count} is no number of clusters`, clusters.span);
  const at = enclosing(reduction, binding, frame);
  const point = boundIndex(e, binding, frame);
  const inner = frame.child();
  inner.bind(binding.name.text, graph.reference(point));
  const { reducing } = e;
  e.reducing = true;
  const operand = expand(e, body!, inner);
  if (!isTensor(operand) || operand.shape.length !== 1)
    throw new InterpretError("kmeans takes a vector for each point", body!.span);
  const component = graph.variable("t", { start: 0, size: operand.shape[0]! });
  const coordinate = tensors.at(operand, [graph.reference(component)], body!.span) as Node;
  const guards = guardsOf(e, reduction, inner);
  e.reducing = reducing;
  unify(graph.reference(point), at, e.samples);
  requireDomains(reduction, [point]);
  const here = guardsOf(e, reduction, frame);
  return graph.guarded(here, graph.kmeans(point, component, coordinate, guards, count, at));
}
