/**
 * Matrices of as many rows side by side in one, and vectors end to end, as nodes of a graph. Pure; called by
 * `parallel_products.ts` and `store.ts`.
 */
import { output, type } from "./graph_def.ts";
import type { AttributeValue, NodeOutput } from "./graph_def.ts";
import type { Recording } from "./recording.ts";

/** Shapes of parts: all [rows, columns], or all [length]; one alone may have any. */
export type Parts = readonly (readonly number[])[];

/** The shape of the whole. */
export function wholeOf(parts: Parts): number[] {
  const [first] = parts as readonly [readonly number[]];
  if (parts.length === 1) return [...first];
  return [...first.slice(0, -1), lengthsOf(parts).reduce((a, b) => a + b, 0)];
}

const lengthsOf = (parts: Parts): number[] => parts.map((shape) => shape.at(-1)!);

/** The parts of a whole. */
export function splitAt(
  recording: Recording,
  whole: NodeOutput,
  parts: Parts,
  T: AttributeValue,
): NodeOutput[] {
  if (parts.length === 1) return [whole];
  const { TF_INT32 } = recording.binding;
  const lengths = recording.constant(TF_INT32, [parts.length], Int32Array.from(lengthsOf(parts)));
  const node = recording.add("SplitV", [whole, lengths, lastAxis(recording, parts)], {
    T,
    Tlen: type(TF_INT32),
    num_split: { kind: "int", value: parts.length },
  });
  return parts.map((_, k) => ({ node, output: k }));
}

/** The whole of some parts. */
export function concatenated(
  recording: Recording,
  values: readonly NodeOutput[],
  parts: Parts,
  T: AttributeValue,
): NodeOutput {
  if (parts.length === 1) return values[0]!;
  return output(
    recording.add("ConcatV2", [...values, lastAxis(recording, parts)], {
      T,
      Tidx: type(recording.binding.TF_INT32),
      N: { kind: "int", value: values.length },
    }),
  );
}

const lastAxis = (recording: Recording, [first]: Parts): NodeOutput =>
  recording.constant(recording.binding.TF_INT32, [], Int32Array.of(first!.length - 1));
