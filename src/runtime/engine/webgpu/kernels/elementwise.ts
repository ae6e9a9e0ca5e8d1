/**
 * Elementary functions with the precision and the special values of the other engines. WGSL promises little of its own:
 * sines and arc cosines to three digits, `log(1 + x)` and `exp(x) - 1` only as written, and no NaN kept (WGSL 15.7,
 * "Floating point evaluation"). The polynomials are those of the Cephes library's single precision functions.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type Kernel, runProgram } from "./program.ts";

/** A NaN stays one whatever the driver makes of it. */
const NAN_STAYS = "if (isnan(a)) { return a; }";

/** Relative error of `log(1 + x)` computed as such grows as 1/x; the series of artanh(x / (2 + x)) is exact near 0. */
const LOG1P = `
  fn log1pOf(a : f32) -> f32 {
    if (abs(a) > 0.3) {
      if (a > 3e38) { return a; }
      return select(log(1.0 + a), -uniforms.INFINITY, a == -1.0);
    }
    let s = a / (2.0 + a);
    let z = s * s;
    return 2.0 * s * (1.0 + z * (1.0 / 3.0 + z * (0.2 + z * (1.0 / 7.0 + z * (1.0 / 9.0 + z / 11.0)))));
  }`;

/** The Taylor series up to x^8 / 8! where the difference would cancel. */
const EXPM1 = `
  fn expm1Of(a : f32) -> f32 {
    if (abs(a) > 0.5) { return exp(a) - 1.0; }
    return a * (1.0 + a / 2.0 * (1.0 + a / 3.0 * (1.0 + a / 4.0 * (1.0 + a / 5.0 * (1.0 + a / 6.0 *
      (1.0 + a / 7.0 * (1.0 + a / 8.0)))))));
  }`;

/** On [0, 1/2] by polynomial; above by asin(x) = pi/2 - 2 asin(sqrt((1 - x) / 2)). */
const ARC = `
  fn smallAsin(x : f32) -> f32 {
    let z = x * x;
    return x + x * z * ((((4.2163199048e-2 * z + 2.4181311049e-2) * z + 4.5470025998e-2) * z
      + 7.4953002686e-2) * z + 1.6666752422e-1);
  }
  fn acosOf(a : f32) -> f32 {
    if (abs(a) > 1.0) { return uniforms.NAN; }
    if (abs(a) <= 0.5) { return 1.5707963267948966 - smallAsin(a); }
    let half = 2.0 * smallAsin(sqrt(0.5 * (1.0 - abs(a))));
    return select(half, 3.141592653589793 - half, a < 0.0);
  }
  fn asinOf(a : f32) -> f32 {
    if (abs(a) > 1.0) { return uniforms.NAN; }
    if (abs(a) <= 0.5) { return smallAsin(a); }
    return sign(a) * (1.5707963267948966 - 2.0 * smallAsin(sqrt(0.5 * (1.0 - abs(a)))));
  }`;

/**
 * The argument is brought to [-pi/4, pi/4] in three steps (Cody and Waite); good to 1e-6 up to arguments of 8,000, and
 * the driver's own beyond.
 */
const WAVES = `
  fn reduced(a : f32, quarter : f32) -> f32 {
    return ((a - quarter * 1.5703125) - quarter * 4.837512969970703e-4) - quarter * 7.549789948768648e-8;
  }
  fn smallSin(x : f32) -> f32 {
    let z = x * x;
    return x + x * z * ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1);
  }
  fn smallCos(x : f32) -> f32 {
    let z = x * x;
    return 1.0 - 0.5 * z + z * z * ((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2);
  }
  fn turned(a : f32, ahead : i32) -> f32 {
    let quarter = round(a * 0.6366197723675814);
    let x = reduced(a, quarter);
    let turn = (i32(quarter) + ahead) & 3;
    let wave = select(smallSin(x), smallCos(x), (turn & 1) == 1);
    return select(wave, -wave, turn > 1);
  }
  fn sinOf(a : f32) -> f32 { if (abs(a) > 8192.0) { return sin(a); } return turned(a, 0); }
  fn cosOf(a : f32) -> f32 { if (abs(a) > 8192.0) { return cos(a); } return turned(a, 1); }`;

interface Elementary {
  readonly kernel: string;
  /** Helper functions. */
  readonly functions?: string;
  /** Body of a function of `a` that returns the value. */
  readonly body: string;
}

const elementary: readonly Elementary[] = [
  { kernel: tf.Exp, body: "return exp(a);" },
  {
    kernel: tf.Log,
    // Next to 1 the logarithm is a difference again.
    functions: LOG1P,
    body: `
      if (a < 0.0) { return uniforms.NAN; }
      if (a == 0.0) { return -uniforms.INFINITY; }
      if (a > 0.75 && a < 1.25) { return log1pOf(a - 1.0); }
      return select(log(a), a, a > 3e38 && isinf(a));`,
  },
  { kernel: tf.Log1p, functions: LOG1P, body: "if (a < -1.0) { return uniforms.NAN; } return log1pOf(a);" },
  { kernel: tf.Expm1, functions: EXPM1, body: "return expm1Of(a);" },
  { kernel: tf.Elu, functions: EXPM1, body: "if (a >= 0.0) { return a; } return expm1Of(a);" },
  {
    kernel: tf.Softplus,
    functions: LOG1P,
    body: "return max(a, 0.0) + log1pOf(exp(-abs(a)));",
  },
  { kernel: tf.Sigmoid, body: "return 1.0 / (1.0 + exp(-a));" },
  {
    kernel: tf.Tanh,
    functions: EXPM1,
    body: "let e = expm1Of(-2.0 * abs(a)); return -sign(a) * e / (2.0 + e);",
  },
  {
    kernel: tf.Sinh,
    functions: EXPM1,
    // The halves are divided before they are added: e^x may be beyond the largest number when sinh(x) is not.
    body: `
      if (abs(a) < 1.0) { let e = expm1Of(a); return 0.5 * (e + e / (e + 1.0)); }
      let h = exp(0.5 * abs(a)); return sign(a) * (0.5 * h * h - 0.5 / h / h);`,
  },
  { kernel: tf.Cosh, body: "let h = exp(0.5 * abs(a)); return 0.5 * h * h + 0.5 / h / h;" },
  { kernel: tf.Acos, functions: ARC, body: "return acosOf(a);" },
  { kernel: tf.Asin, functions: ARC, body: "return asinOf(a);" },
  { kernel: tf.Sin, functions: WAVES, body: "return sinOf(a);" },
  { kernel: tf.Cos, functions: WAVES, body: "return cosOf(a);" },
  { kernel: tf.Tan, functions: WAVES, body: "return sinOf(a) / cosOf(a);" },
];

/** Kernels by name. */
export const elementwiseKernels: readonly { readonly name: string; readonly kernel: Kernel<"x"> }[] =
  elementary.map(({ kernel: name, functions = "", body }) => ({
    name,
    kernel: ({ inputs: { x }, backend }) =>
      runProgram(
        backend,
        {
          key: name,
          inputs: ["A"],
          functions: `${functions} fn elementary(a : f32) -> f32 { ${NAN_STAYS} ${body} }`,
          entry: "value = elementary(f32(A[index]));",
        },
        [x],
        x.shape,
      ),
  }));
