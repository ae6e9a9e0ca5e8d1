/** The engines of this machine, for tests of numbers on each of them. */
import * as tf from "@tensorflow/tfjs-core";
import { type EngineName, engineChoices, startEngine } from "../../src/runtime/engine/index.ts";

export interface Way {
  readonly name: EngineName;
  /** To be set before it is used: the last engine that started is in use. */
  readonly backend: string;
}

/** The engines that start here; why another does not is printed. */
export async function waysPresent(): Promise<Way[]> {
  const present: Way[] = [];
  for (const name of engineChoices.filter((choice): choice is EngineName => choice !== "auto")) {
    try {
      await startEngine(name);
      present.push({ name, backend: tf.getBackend() });
    } catch (error) {
      console.info(`${name} is skipped: ${(error as Error).message}`);
    }
  }
  return present;
}
