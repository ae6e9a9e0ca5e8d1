/**
 * The public entry `dmlc/runtime`: everything an emitted program imports beside tfjs types. What is not exported here
 * is not for programs.
 */
export * as tf from "@tensorflow/tfjs-core";
export * as data from "./data/index.ts";
export * as init from "./init.ts";
export * as nn from "./nn/index.ts";
export type {
  Combined,
  HeadSpec,
  LossValue,
  Net,
  ParameterSpec,
  Program,
  Sizes,
  SourcePlace,
  StateSpec,
} from "./program.ts";
export * as strategies from "./ensemble/index.ts";
