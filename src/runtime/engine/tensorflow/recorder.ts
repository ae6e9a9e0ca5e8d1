/**
 * Step capture on TensorFlow: one run of a function becomes one TensorFlow graph, and from then on a session runs that.
 * The engine's `Recorder`, see `../capture/`. The only file that puts another binding into the backend.
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { Carried, Recorded, Recorder, TensorFunction } from "../capture/recorder.ts";
import { listening } from "../capture/sequence.ts";
import { hearingUpdates } from "../capture/updating.ts";
import type { AdamUpdate } from "../capture/updating.ts";
import type { NodeBackend } from "./binding.ts";
import type { RecordedUpdate } from "./in_place.ts";
import { RecordedGraph } from "./recorded_graph.ts";
import type { Pair } from "./recorded_graph.ts";
import { Recording } from "./recording.ts";
import type { RecordedTensor } from "./recording.ts";
import { disposeResidentsOf } from "./resident.ts";

export class TensorflowRecorder implements Recorder {
  readonly #backend: NodeBackend;

  constructor(backend: NodeBackend) {
    this.#backend = backend;
    disposeResidentsOf(backend);
  }

  record(
    label: string,
    fn: TensorFunction,
    inputs: readonly tf.Tensor[],
    carried: (outputs: readonly tf.Tensor[]) => readonly Carried[] = () => [],
  ): Recorded {
    const backend = this.#backend;
    const { binding } = backend;
    const recording = new Recording(binding);
    // Numbers of tensors exist from here on: values that tfjs had only noted are handed over now.
    const ids = backend.getInputTensorIds(inputs);
    const fed = inputs.map((input, k) => recording.placeholder(ids[k]!, this.#dtype(input), input.shape));
    backend.binding = recording.binding;
    const tensorOf = (tensor: tf.Tensor): RecordedTensor =>
      recording.tensor(backend.getInputTensorIds([tensor])[0]!, this.#dtype(tensor), tensor.shape);
    const updates: RecordedUpdate[] = [];
    // A tensor's number is good as long as the tensor lives: what is told is looked up at once.
    const listener = { updated: (update: AdamUpdate) => void updates.push(recordedUpdate(update, tensorOf)) };
    let outputs: readonly tf.Tensor[];
    let computed: (RecordedTensor | undefined)[];
    try {
      outputs = hearingUpdates(listener, () => listening(recording, () => fn(inputs)));
      computed = outputs.map((tensor) => (inputs.includes(tensor) ? undefined : tensorOf(tensor)));
    } finally {
      backend.binding = binding;
    }
    const hints = carried(outputs);
    const pairs = residentPairs(hints, fed, computed, binding.TF_FLOAT);
    const among = new Set(hints.map(({ output }) => output));
    const form = { fed, computed, carried: among, pairs, updates, inputs, outputs };
    const recorded = new RecordedGraph(backend, label, recording, form);
    return { outputs, recording: recorded };
  }

  #dtype(tensor: tf.Tensor): number {
    return this.#backend.tensorMap.get(tensor.dataId).dtype;
  }
}

function recordedUpdate(update: AdamUpdate, of: (tensor: tf.Tensor) => RecordedTensor): RecordedUpdate {
  const { next, beta1, beta2, ...tensors } = update;
  return {
    parameter: of(tensors.parameter),
    start: of(tensors.start),
    gradient: of(tensors.gradient),
    first: of(tensors.first),
    second: of(tensors.second),
    rate: of(tensors.rate),
    epsilon: of(tensors.epsilon),
    beta1,
    beta2,
    next: { parameter: of(next.parameter), first: of(next.first), second: of(next.second) },
  };
}

/** Carried values that can be variables: each argument once, each result once, floats of one shape. */
function residentPairs(
  carried: readonly Carried[],
  fed: readonly RecordedTensor[],
  computed: readonly (RecordedTensor | undefined)[],
  float: number,
): Pair[] {
  const taken = new Set<string>();
  return carried.flatMap(({ input, output }) => {
    const [from, to] = [fed[input], computed[output]];
    const places = [`in ${input}`, `out ${output}`];
    if (from === undefined || from.dtype !== float || places.some((place) => taken.has(place))) return [];
    if (to !== undefined && (to.dtype !== float || to.shape.join() !== from.shape.join())) return [];
    for (const place of places) taken.add(place);
    return [{ input, output, from, to }];
  });
}
