/**
 * Joins and splits of a recording (`Concat`, `Pack`, `SplitV`, `Unpack`) as copies of contiguous pieces between known
 * addresses: the optimiser works on all parameters as one vector, and the backend's kernels look up every place. Called
 * by `compile.ts`.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { bytes } from "../heap.ts";
import { type Node, type Value, type View, bytesOf, sizeOf } from "./graph.ts";

/** Shorter pieces than this many bytes are left to the backend's kernel, unless there are few. */
const SHORTEST = 64;

/** How a whole is cut: `rounds` times one piece of each part, in order. */
interface Cutting {
  readonly whole: View;
  readonly parts: readonly View[];
  readonly joins: boolean;
  readonly rounds: number;
}

/** A function that moves the pieces; undefined for a call that is none of these or is better left to its kernel. */
export function piecesStep(
  backend: BackendWasm,
  node: Node,
  at: (value: Value) => number,
): (() => void) | undefined {
  const cutting = cuttingOf(node);
  if (cutting === undefined) return undefined;
  const { whole, joins, rounds } = cutting;
  const parts = cutting.parts.map(({ value }) => ({ value, piece: bytesOf(value) / rounds }));
  if (rounds > 4 && parts.some(({ piece }) => piece < SHORTEST)) return undefined;
  const step = bytesOf(whole.value) / rounds;
  return () => {
    const memory = bytes(backend);
    let place = at(whole.value);
    for (const { value, piece } of parts) {
      let part = at(value);
      for (let round = 0, there = place; round < rounds; round++, there += step, part += piece) {
        if (joins) memory.copyWithin(there, part, part + piece);
        else memory.copyWithin(part, there, there + piece);
      }
      place += piece;
    }
  };
}

function cuttingOf({ kernel, inputs, outputs, attributes }: Node): Cutting | undefined {
  const joins = kernel === tf.Concat || kernel === tf.Pack;
  if (!joins && kernel !== tf.SplitV && kernel !== tf.Unpack) return undefined;
  const given = Object.values(inputs);
  const [whole, parts] = joins ? [outputs[0]!, given] : [given[0]!, outputs];
  const rank = whole.shape.length;
  const axis = ((attributes["axis"] as number) + rank) % rank;
  const rounds = sizeOf(whole.shape.slice(0, axis));
  if (whole.value.size === 0 || parts.some(({ value }) => value.type !== whole.value.type)) return undefined;
  return { whole, parts, joins, rounds };
}
