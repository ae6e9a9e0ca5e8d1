/**
 * Lowering of `sample[j | …] weight`: an index drawn with a probability proportional to its weight, by inversion of the
 * cumulative weights at one random number for each value of the indices around the draw. The laws are those of
 * `src/interpret/expand/draws.ts`. No gradient flows through it. Called by `reduction.ts`.
 */
import type { Reduction } from "../../syntax/ast.ts";
import type { Lowered } from "../axes.ts";
import { conjunction, scalar, slot } from "../axes.ts";
import { combine, masked } from "./combine.ts";
import type { Context, Environment } from "./environment.ts";
import { LoweringError } from "./environment.ts";
import { indexedBy } from "./indexing.ts";
import type { Reduced, Tuples } from "./tuples.ts";
import { over, reduceTuples, someTuple } from "./tuples.ts";

/** `outer` is where the draw is written. */
export function lowerDraw(
  context: Context,
  expression: Reduction,
  outer: Environment,
  tuples: Tuples,
): Reduced {
  const { build } = context;
  const [axis, ...others] = tuples.axes;
  if (axis === undefined || others.length > 0)
    throw new LoweringError(expression.opSpan, "a draw of other than one index");
  const number: Lowered = { node: build.iota(axis.from, axis.size), axes: [axis] };
  const weight: Lowered = {
    node: build.unary("stop_gradient", build.asReal(tuples.body.node)),
    axes: tuples.body.axes,
  };
  const weighs = combine(context, "gt", weight, scalar(build.constant(0)));
  // A weight that is the same for all is one along the axis of the index none the less.
  const everywhere = combine(context, "ge", number, scalar(build.graph.constant(axis.from, "int")));
  const counts = conjunction(build, [tuples.mask, weighs, everywhere])!;
  const weights = masked(context, weight, counts);
  const place = weights.axes.findIndex(({ order }) => order === axis.order);
  const sums: Lowered = { node: build.cumulativeSum(weights.node, place), axes: weights.axes };
  const total = over(context, "max", sums, undefined, [axis]);
  const threshold = combine(context, "mul", noiseFor(context, expression, outer), total);
  const reached = conjunction(build, [counts, combine(context, "gt", sums, threshold)])!;
  const real: Lowered = { node: build.asReal(number.node), axes: number.axes };
  const chosen = reduceTuples(context, "argmin", {
    body: real,
    guards: undefined,
    mask: reached,
    axes: [axis],
  });
  return { value: chosen.value, tuples: someTuple(context, tuples) };
}

/** The random numbers of a draw at the indices around it. */
function noiseFor(context: Context, expression: Reduction, outer: Environment): Lowered {
  const { build } = context;
  const own = context.drawNames.get(expression);
  if (own === undefined) throw new LoweringError(expression.opSpan, "a draw here");
  const name = `${context.path}/${own}`;
  const indices = outer.indices();
  const shape = indices.map(({ from, size }) => {
    if (from !== 0)
      throw new LoweringError(expression.opSpan, "a draw inside an index that does not run from 0");
    return size;
  });
  const before = context.noise.find((each) => each.name === name);
  if (before === undefined) context.noise.push({ name, shape });
  else if (before.shape.join() !== shape.join())
    throw new LoweringError(
      expression.opSpan,
      "a draw around which the indices run over different things in its uses",
    );
  const whole: Lowered = {
    node: build.noise(name, shape),
    axes: shape.map((size, k) => slot(shape.length - 1 - k, size)),
  };
  return indices.reduce(
    (value, axis) =>
      indexedBy(
        context,
        value,
        { node: build.iota(0, axis.size), axes: [axis] },
        {
          kind: "Name",
          span: expression.opSpan,
          text: axis.name,
        },
      ),
    whole,
  );
}
