/**
 * Turns a recorded graph into a list of steps: generated loops and calls of kernels on memory laid out beforehand.
 * Called by `recorder.ts`.
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { assemble } from "../assembler.ts";
import { instantiate } from "../heap.ts";
import { Ids, callOf } from "./calls.ts";
import type { Graph, Value } from "./graph.ts";
import { groupsOf } from "./groups.ts";
import { writeLoop } from "./loop.ts";
import { Memory, trafficOf } from "./memory.ts";
import { piecesStep } from "./pieces.ts";
import { ownBytes, stepOf } from "./products.ts";
import { recompute } from "./recompute.ts";

export interface Compiled {
  /**
   * Runs it.
   *
   * @param idOf the data id, at this replay, of each movable value.
   */
  run(idOf: (value: Value) => tf.DataId): void;
  dispose(): void;
}

/**
 * @param movable the values that lie somewhere else at each replay: arguments, and results computed from them.
 * @throws CaptureRefused when there is no memory for it.
 */
export function compile(backend: BackendWasm, graph: Graph, movable: readonly Value[]): Compiled {
  const groups = recompute(groupsOf(graph), graph);
  const own = groups.map((group) => (group.kind === "call" ? ownBytes(group.node) : undefined));
  const memory = new Memory(
    backend,
    graph,
    groups,
    movable,
    own.map((length) => length ?? 0),
  );
  const stored = new Set<Value>([...movable, ...groups.flatMap((group) => trafficOf(group).reads)]);
  const surroundings = {
    addressOf: memory.code,
    isStored: (value: Value) => stored.has(value),
    constants: graph.constants,
  };
  const ids = new Ids(backend, (value) => memory.fixed(value));
  const sources = groups.flatMap((group, index) =>
    group.kind === "loop" ? [writeLoop(`loop${index}`, group, surroundings)] : [],
  );
  const functions = instantiate(backend, assemble(sources));
  const steps = groups.map((group, index) => {
    if (group.kind === "loop") return functions[`loop${index}`]!;
    if (own[index] === undefined) {
      return piecesStep(backend, group.node, memory.now) ?? callOf(backend, group.node, ids);
    }
    return stepOf(backend, group.node, { at: memory.now, own: memory.own[index]! });
  });
  return {
    run(idOf) {
      memory.place(movable.map((value) => backend.getMemoryOffset(idOf(value))));
      ids.protect(idOf, () => {
        for (const step of steps) step();
      });
    },
    dispose() {
      ids.dispose();
      memory.dispose();
    },
  };
}
