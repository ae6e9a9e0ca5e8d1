/** The engines of this machine, for tests of numbers on each of them. */
import { type EngineName, engineChoices, startEngine } from "../../src/runtime/engine/index.ts";

/** Names of the engines that start here; why another does not is printed. */
export async function enginesPresent(): Promise<EngineName[]> {
  const present: EngineName[] = [];
  for (const engine of engineChoices.filter((choice): choice is EngineName => choice !== "auto")) {
    try {
      await startEngine(engine);
      present.push(engine);
    } catch (error) {
      console.info(`${engine} is skipped: ${(error as Error).message}`);
    }
  }
  return present;
}
