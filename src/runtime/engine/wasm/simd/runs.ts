/**
 * Elementwise functions of two operands along one run of elements: comparisons, logic, maximum and minimum. Called for
 * each run of a broadcast.
 */
import {
  type Code,
  type FunctionSource,
  type Local,
  advance,
  countdown,
  defineFunction,
  f32,
  f32x4,
  get,
  i32,
  sequence,
} from "../assembler.ts";

/** Element types in memory: floats, 32-bit integers, and booleans of one byte. */
export type ElementType = "float32" | "int32" | "bool";

/** How the elements of a type are read and written. */
interface Access {
  readonly load: (address: Code) => Code;
  readonly store: (address: Code, value: Code) => Code;
}

const floats: Access = { load: f32.load, store: f32.store };
const firstLanes: Access = { load: f32x4.loadFirst, store: f32x4.storeFirst };
const integers: Access = { load: i32.load, store: i32.store };
const booleans: Access = { load: i32.loadByte, store: i32.storeByte };

/**
 * A function `(count, out, outStep, a, aStep, b, bStep)`; steps are in bytes, 0 for an operand that is repeated.
 */
function run(name: string, from: Access, to: Access, apply: (a: Code, b: Code) => Code): FunctionSource {
  return defineFunction(name, ["i32", "i32", "i32", "i32", "i32", "i32", "i32"], (parameters) => {
    const [count, out, outStep, a, aStep, b, bStep] = parameters as unknown as readonly [
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
    ];
    return countdown(
      count,
      sequence(
        to.store(get(out), apply(from.load(get(a)), from.load(get(b)))),
        advance(out, get(outStep)),
        advance(a, get(aStep)),
        advance(b, get(bStep)),
      ),
    );
  });
}

const comparisons = ["Equal", "NotEqual", "Less", "LessEqual", "Greater", "GreaterEqual"] as const;
const logic = ["LogicalAnd", "LogicalOr"] as const;
const extremes = ["Maximum", "Minimum"] as const;

/** tfjs's names of the kernels made of these runs, with the element types each has and its result's. */
export const runKernels: readonly { name: string; types: readonly ElementType[]; result: "bool" | "same" }[] =
  [
    ...comparisons.map((name) => ({
      name,
      types: ["float32", "int32", "bool"] as const,
      result: "bool" as const,
    })),
    ...logic.map((name) => ({ name, types: ["bool"] as const, result: "bool" as const })),
    ...extremes.map((name) => ({ name, types: ["float32"] as const, result: "same" as const })),
  ];

/** Every run function, by `NAME_TYPE`. */
export const runs: Readonly<Record<string, FunctionSource>> = Object.fromEntries(
  [
    ...comparisons.flatMap((name) => [
      run(`${name}_float32`, floats, booleans, f32.compare[name]),
      run(`${name}_int32`, integers, booleans, i32.compare[name]),
      run(`${name}_bool`, booleans, booleans, i32.compare[name]),
    ]),
    run("LogicalAnd_bool", booleans, booleans, i32.and),
    run("LogicalOr_bool", booleans, booleans, i32.or),
    run("Maximum_float32", firstLanes, firstLanes, f32x4.max),
    run("Minimum_float32", firstLanes, firstLanes, f32x4.min),
  ].map((source) => [source.name, source]),
);
