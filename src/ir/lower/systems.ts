/**
 * Lowering of `solve[q, u](matrix, right)` and `kmeans[i](point, clusters)`: whole solutions and clusterings as one node,
 * read at the enclosing index. Called by `expression.ts`.
 */
import type { Expression, IndexBinding, Reduction } from "../../syntax/ast.ts";
import type { Axis, Lowered } from "../axes.ts";
import { conjunction, isSlot, labelled, slot } from "../axes.ts";
import type { Dim, Node } from "../graph.ts";
import { constantOf } from "../graph.ts";
import { presenceOf } from "./combine.ts";
import { domainFromUse } from "./domains.ts";
import type { Context } from "./environment.ts";
import { Environment, LoweringError } from "./environment.ts";
import { indexedBy } from "./indexing.ts";
import { filledGuards } from "./memory.ts";
import { inGuards } from "./miners.ts";
import { statedDomain } from "./ranges.ts";
import { over } from "./tuples.ts";

/** Whether a reduction is one of these forms. */
export const isSystem = ({ op }: Reduction): boolean => op === "solve" || op === "kmeans";

/** Clusters of one `kmeans`: each is some operations of the step. */
const CLUSTERS = 1_000;

export function lowerSystem(context: Context, expression: Reduction, environment: Environment): Lowered {
  const { reducing } = context;
  // A reduction inside is never an outermost one.
  context.depth++;
  context.reducing = true;
  const whole =
    expression.op === "solve"
      ? solutions(context, expression, environment)
      : clusters(context, expression, environment);
  context.depth--;
  context.reducing = reducing;
  const name = whole.index.name;
  const place: Expression = { kind: "Name", span: name.span, text: name.text };
  const at = indexedBy(context, whole.value, context.lower(context, place, environment), place);
  const present = conjunction(context.build, [at.present, whole.present]);
  return { node: at.node, axes: at.axes, ...(present === undefined ? {} : { present }) };
}

/** A form's values along the index they are read at, the first side without an index. */
interface Whole {
  readonly value: Lowered;
  readonly index: IndexBinding;
  /** What depends on no place. */
  readonly present: Lowered | undefined;
}

const has = (value: Lowered, axis: Axis): boolean => value.axes.some((own) => own.order === axis.order);

/** What the indices of a form run over: what `in` says, or a use of one of them, or what the index around runs over. */
function domainOf(context: Context, expression: Reduction, environment: Environment): Dim {
  const hidden = new Environment(environment.scope, environment);
  // In here the indices are not those of the same names around.
  for (const { name } of expression.indices)
    hidden.bind(name.text, {
      kind: "index",
      axis: { order: -1, size: Number.NaN, from: 0, name: name.text },
    });
  for (const { domain } of expression.indices) {
    const stated = domain === undefined ? undefined : statedDomain(context, domain, environment);
    if (stated?.kind === "range" && stated.from === 0) return stated.size;
    if (stated !== undefined)
      throw new LoweringError(domain!.span, `\`${expression.op}\` over a part of an axis`);
  }
  for (const { name } of expression.indices)
    for (const part of [...expression.bodies, ...expression.guards]) {
      const size = domainFromUse(context, name.text, part, hidden);
      if (size !== undefined && !Number.isNaN(size)) return size;
    }
  const { name } = expression.indices.at(-1)!;
  const around = environment.lookup(name.text);
  if (around?.kind === "index" && around.axis.from === 0) return around.axis.size;
  throw new LoweringError(name.span, `an index whose range no use tells (\`${name.text}\`)`);
}

function axisOver(context: Context, { name }: IndexBinding, size: Dim): Axis {
  return { order: context.nextOrder++, size, from: 0, name: name.text };
}

function solutions(context: Context, expression: Reduction, environment: Environment): Whole {
  const { build } = context;
  const [first, second] = expression.indices;
  const [matrix, right] = expression.bodies;
  if (first === undefined || second === undefined || matrix === undefined || right === undefined)
    throw new LoweringError(expression.span, "`solve` of this form");
  const size = domainOf(context, expression, environment);
  // Places that hold nothing yet would be equations too.
  if (size === context.memory?.samples)
    throw new LoweringError(expression.span, "`solve` over samples against a memory");
  const [equation, unknown] = [axisOver(context, first, size), axisOver(context, second, size)];
  const ofBoth = new Environment(environment.scope, environment);
  ofBoth.bind(first.name.text, { kind: "index", axis: equation });
  ofBoth.bind(second.name.text, { kind: "index", axis: unknown });
  const ofEquations = new Environment(environment.scope, environment);
  ofEquations.bind(first.name.text, { kind: "index", axis: equation });
  const entries = context.lower(context, matrix, ofBoth);
  const values = context.lower(context, right, ofEquations);
  if (!has(entries, equation) || !has(entries, unknown))
    throw new LoweringError(matrix.span, "a matrix whose entries do not depend on both indices");
  const stacked = entries.axes.filter((axis) => axis !== equation && axis !== unknown);
  const columns = values.axes.filter((axis) => axis !== equation && !has(entries, axis));
  const node = build.solve(
    laidOut(context, entries, [...stacked, equation, unknown]),
    laidOut(context, values, [...stacked, equation, ...columns]),
    stacked.length,
  );
  const present = conjunction(build, [
    everywhere(context, entries.present, [equation, unknown]),
    everywhere(context, values.present, [equation]),
  ]);
  const value = labelled(build, node, [...stacked, slot(0, unknown.size), ...columns]);
  return { value, index: second, present };
}

/** A value with exactly these sides, 1 where it does not depend on an index. */
function laidOut({ build }: Context, value: Lowered, axes: readonly Axis[]): Node {
  const positions = axes.map((axis) => {
    const at = value.axes.findIndex((own) => own.order === axis.order);
    return at < 0 ? null : at;
  });
  return build.view(build.asReal(value.node), positions);
}

/** Where a value is there at every place of these indices. */
function everywhere(
  context: Context,
  present: Lowered | undefined,
  axes: readonly Axis[],
): Lowered | undefined {
  const here = present === undefined ? [] : axes.filter((axis) => has(present, axis));
  return here.length === 0 ? present : over(context, "all", present!, undefined, here);
}

function clusters(context: Context, expression: Reduction, environment: Environment): Whole {
  const { build } = context;
  const [index] = expression.indices;
  const [body, number] = expression.bodies;
  if (index === undefined || body === undefined || number === undefined)
    throw new LoweringError(expression.span, "`kmeans` of this form");
  const count = constantOf(context.lower(context, number, environment).node);
  if (count === undefined || !Number.isInteger(count) || count < 1)
    throw new LoweringError(number.span, "a number of clusters that is not known before training");
  if (count > CLUSTERS) throw new LoweringError(number.span, `more than ${CLUSTERS} clusters`);
  const inner = new Environment(environment.scope, environment);
  const axis = axisOver(context, index, domainOf(context, expression, environment));
  inner.bind(index.name.text, { kind: "index", axis });
  const point = context.lower(context, body, inner);
  const [own, ...components] = point.axes;
  if (own?.order !== axis.order || components.length !== 1 || !components.every(isSlot))
    throw new LoweringError(body.span, "points that depend on more than their own index");
  const guards = among(context, expression, inner);
  const where = conjunction(build, [...filledGuards(context, [axis], guards), ...guards, point.present]);
  const others = where?.axes.filter((side) => side.order !== axis.order) ?? [];
  const mask = where === undefined ? undefined : maskOf(context, where, [...others, axis]);
  const node = build.kmeans(build.asReal(point.node), mask, count);
  const value = labelled(build, node, [...others, slot(0, axis.size)]);
  // Where the guards leave out the enclosing place there is no cluster.
  const here = among(context, expression, environment);
  const present = conjunction(build, [...here, presentAt(context, body, environment)]);
  return { value, index, present };
}

function among(context: Context, { guards }: Reduction, environment: Environment): Lowered[] {
  return inGuards(context, () => guards.map((guard) => context.lower(context, guard, environment)));
}

/** Where a point is there, at the enclosing place. */
function presentAt(context: Context, body: Expression, environment: Environment): Lowered | undefined {
  return presenceOf(context.lower(context, body, environment)).present;
}

/** A condition with exactly these sides. */
function maskOf({ build }: Context, where: Lowered, axes: readonly Axis[]): Node {
  const positions = axes.map((axis) => where.axes.findIndex((own) => own.order === axis.order));
  return build.view(
    where.node,
    positions.map((at) => (at < 0 ? null : at)),
  );
}
