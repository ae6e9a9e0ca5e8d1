/**
 * The kernels that compute each element from the elements at its place, as code on four lanes. `groups.ts` asks which
 * calls these are, `loop.ts` writes them into loops. What is not in this table runs in the backend's own kernel.
 */
import * as tf from "@tensorflow/tfjs-core";
import { RELU_GRADIENT } from "../../kernel_names.ts";
import type { Code } from "../assembler.ts";
import { acos, exp, log, log1p, sigmoid, softplus } from "./functions.ts";
import type { ElementType, Node } from "./graph.ts";
import { type Hold, bits, floats as f, integers as i } from "./lanes.ts";

/** This folder's own name for a value repeated along axes of length one; tfjs has `Tile` and `BroadcastTo`. */
export const REPEAT = "Repeat";

interface Formula {
  /** Whether the types of the inputs are ones it is written for. */
  readonly takes: (types: readonly ElementType[]) => boolean;
  /** The result in lanes; `x` are locals that may be read often. */
  readonly write: (x: readonly Code[], type: ElementType, attributes: Node["attributes"], hold: Hold) => Code;
}

const all =
  (...types: readonly ElementType[]) =>
  (given: readonly ElementType[]): boolean =>
    given.every((type) => type === given[0]) && types.includes(given[0]!);
const number = all("float32", "int32");
const any = all("float32", "int32", "bool");

const ofFloat = (write: (x: Code, hold: Hold) => Code): Formula => ({
  takes: all("float32"),
  write: ([x], _type, _attributes, hold) => write(x!, hold),
});
const ofFloats = (write: (a: Code, b: Code) => Code): Formula => ({
  takes: all("float32"),
  write: ([a, b]) => write(a!, b!),
});
type Binary = (a: Code, b: Code) => Code;
const ofNumbers = (onFloats: Binary, onIntegers: Binary): Formula => ({
  takes: number,
  write: ([a, b], type) => (type === "float32" ? onFloats : onIntegers)(a!, b!),
});
const ofMasks = (write: (a: Code, b: Code) => Code): Formula => ({
  takes: all("bool"),
  write: ([a, b]) => write(a!, b!),
});
const equality = (onFloats: Binary, onIntegers: Binary): Formula => ({
  takes: any,
  write: ([a, b], type) => (type === "float32" ? onFloats : onIntegers)(a!, b!),
});

const one = f.constant(1);
const zero = f.constant(0);
const float = (value: unknown): Code => f.constant(value as number);

const formulas: Readonly<Record<string, Formula>> = {
  [tf.Add]: ofNumbers(f.add, i.add),
  [tf.Sub]: ofNumbers(f.sub, i.sub),
  [tf.Multiply]: ofNumbers(f.mul, i.mul),
  [tf.RealDiv]: ofFloats(f.div),
  [tf.Maximum]: ofNumbers(f.max, i.max),
  [tf.Minimum]: ofNumbers(f.min, i.min),
  [tf.SquaredDifference]: ofFloats((a, b) => f.mul(f.sub(a, b), f.sub(a, b))),
  [tf.Equal]: equality(f.eq, i.eq),
  [tf.NotEqual]: equality(f.ne, i.ne),
  [tf.Less]: ofNumbers(f.lt, i.lt),
  [tf.LessEqual]: ofNumbers(f.le, i.le),
  [tf.Greater]: ofNumbers(f.gt, i.gt),
  [tf.GreaterEqual]: ofNumbers(f.ge, i.ge),
  [tf.LogicalAnd]: ofMasks(bits.and),
  [tf.LogicalOr]: ofMasks(bits.or),
  [tf.LogicalNot]: { takes: all("bool"), write: ([x]) => bits.not(x!) },
  [tf.Neg]: { takes: number, write: ([x], type) => (type === "float32" ? f.neg(x!) : i.neg(x!)) },
  [tf.Abs]: { takes: number, write: ([x], type) => (type === "float32" ? f.abs(x!) : i.abs(x!)) },
  [tf.Square]: { takes: number, write: ([x], type) => (type === "float32" ? f.mul : i.mul)(x!, x!) },
  [tf.Sqrt]: ofFloat(f.sqrt),
  [tf.Rsqrt]: ofFloat((x) => f.div(one, f.sqrt(x))),
  [tf.Reciprocal]: ofFloat((x) => f.div(one, x)),
  [tf.Floor]: ofFloat(f.floor),
  [tf.Ceil]: ofFloat(f.ceil),
  [tf.Round]: ofFloat(f.nearest),
  [tf.Exp]: ofFloat((x, hold) => exp(hold, x)),
  [tf.Log]: ofFloat((x, hold) => log(hold, x)),
  [tf.Log1p]: ofFloat((x, hold) => log1p(hold, x)),
  [tf.Acos]: ofFloat((x, hold) => acos(hold, x)),
  [tf.Sigmoid]: ofFloat((x, hold) => sigmoid(hold, x)),
  [tf.Softplus]: ofFloat((x, hold) => softplus(hold, x)),
  [tf.Relu]: ofFloat((x) => f.greater(x, zero)),
  [tf.Relu6]: ofFloat((x) => f.lesser(f.greater(x, zero), f.constant(6))),
  [tf.Sign]: ofFloat((x) => f.sub(bits.and(f.gt(x, zero), one), bits.and(f.lt(x, zero), one))),
  [tf.Step]: {
    takes: all("float32"),
    // All bits set are a NaN too.
    write: ([x], _, { alpha }) => bits.or(bits.select(f.gt(x!, zero), one, float(alpha ?? 0)), f.ne(x!, x!)),
  },
  [tf.LeakyRelu]: {
    takes: all("float32"),
    write: ([x], _, { alpha }) => bits.select(f.lt(x!, zero), f.mul(x!, float(alpha)), x!),
  },
  [tf.ClipByValue]: {
    takes: all("float32"),
    write: ([x], _, { clipValueMin, clipValueMax }) =>
      f.lesser(f.greater(x!, float(clipValueMin)), float(clipValueMax)),
  },
  [tf.IsNan]: ofFloat((x) => f.ne(x, x)),
  [tf.Select]: {
    takes: ([condition, t, e]) => condition === "bool" && t === e,
    write: ([condition, t, e]) => bits.select(condition!, t!, e!),
  },
  [RELU_GRADIENT]: ofFloats((dy, x) => bits.and(dy, f.gt(x, zero))),
  [REPEAT]: { takes: any, write: ([x]) => x! },
  [tf.Cast]: {
    takes: any,
    write: ([x], type, { dtype }) => cast(x!, type, dtype as ElementType),
  },
};

function cast(x: Code, from: ElementType, to: ElementType): Code {
  if (from === to) return x;
  if (from === "bool") return bits.and(x, to === "float32" ? one : i.constant(1));
  if (to === "bool") return from === "float32" ? f.ne(x, zero) : i.ne(x, i.constant(0));
  return from === "float32" ? f.toIntegers(x) : i.toFloats(x);
}

/** Whether a kernel of this name computes element by element. */
export const isElementwise = (kernel: string): boolean => Object.hasOwn(formulas, kernel);

/** Whether this call can be written into a loop. */
export function isWritable({ kernel, inputs, outputs }: Node): boolean {
  if (!isElementwise(kernel)) return false;
  const views = Object.values(inputs);
  // A condition of one axis chooses whole rows.
  if (kernel === tf.Select && views.some(({ value }) => value.size !== outputs[0]!.value.size)) return false;
  return formulas[kernel]!.takes(views.map(({ value }) => value.type));
}

/** The code of a call that `isWritable`. */
export function writeElement(node: Node, operands: readonly Code[], hold: Hold): Code {
  const type = Object.values(node.inputs)[node.kernel === tf.Select ? 1 : 0]!.value.type;
  return formulas[node.kernel]!.write(operands, type, node.attributes, hold);
}
