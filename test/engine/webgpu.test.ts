/**
 * The webgpu engine where it is installed and finds a GPU, or a driver that stands in for one: every operation's value
 * and gradients equal those of tfjs's `cpu` backend. Elsewhere skipped, with the reason printed.
 */
import { describe, test } from "vitest";
import * as tf from "@tensorflow/tfjs-core";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { operations } from "./operations.ts";
import { expectSameOnBothBackends } from "./parity.ts";
import "@tensorflow/tfjs-backend-cpu";

const reason = await startEngine("webgpu").then(
  ({ description }) => void console.info(`webgpu: ${description}`),
  (error: Error) => error.message,
);
if (reason !== undefined) console.info(`skipped: ${reason}`);
else tf.env().set("IS_TEST", true);

describe.skipIf(reason !== undefined).each(Object.entries(operations))("%s on webgpu", (_, cases) => {
  test.each(cases)("$name", (each) => expectSameOnBothBackends(each, 2e-5, "webgpu"));
});
