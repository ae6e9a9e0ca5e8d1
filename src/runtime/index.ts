/**
 * The public entry `dmlc/runtime`: everything an emitted program imports, and what it takes to run one. What is not
 * exported here is not for programs.
 */
export * as tf from "@tensorflow/tfjs-core";
export * as data from "./data/index.ts";
export * as strategies from "./ensemble/index.ts";
export { RunError, RunInterrupted } from "./errors.ts";
export * as init from "./init.ts";
export { main } from "./main.ts";
export * as ops from "./ops/index.ts";
export * as nn from "./nn/index.ts";
export type {
  CombineContext,
  Combined,
  Embedded,
  HeadSpec,
  HeadWeights,
  Initializer,
  LossValue,
  Net,
  NoiseSpec,
  ParameterSpec,
  Program,
  Sizes,
  SourcePlace,
  StateSpec,
} from "./program.ts";
export { runProgram } from "./run.ts";
export type { RunOptions } from "./run.ts";
