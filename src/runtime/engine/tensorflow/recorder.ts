/**
 * Step capture on TensorFlow: one run of a function becomes one TensorFlow graph, and from then on a session runs that.
 * The engine's `Recorder`, see `../capture/`. The only file that puts another binding into the backend.
 */
import type * as tf from "@tensorflow/tfjs-core";
import { CaptureRefused } from "../capture/recorder.ts";
import type { Recorded, Recorder, TensorFunction } from "../capture/recorder.ts";
import type { NodeBackend } from "./binding.ts";
import { Recording } from "./recording.ts";
import type { RecordedTensor } from "./recording.ts";
import { Session } from "./session.ts";

/** Where a result comes from: an input, or an output of the graph. */
type Source = { readonly input: number } | { readonly fetch: number };

export class TensorflowRecorder implements Recorder {
  readonly #backend: NodeBackend;

  constructor(backend: NodeBackend) {
    this.#backend = backend;
  }

  record(label: string, fn: TensorFunction, inputs: readonly tf.Tensor[]): Recorded {
    const backend = this.#backend;
    const { binding } = backend;
    const recording = new Recording(binding);
    // Numbers of tensors exist from here on: values that tfjs had only noted are handed over now.
    const ids = backend.getInputTensorIds(inputs);
    const feeds = inputs.map((input, k) => recording.placeholder(ids[k]!, this.#dtype(input), input.shape));
    backend.binding = recording.binding;
    let outputs: readonly tf.Tensor[];
    let fetched: RecordedTensor[];
    let sources: Source[];
    try {
      outputs = fn(inputs);
      const computed = outputs.filter((output) => !inputs.includes(output));
      const computedIds = backend.getInputTensorIds(computed);
      fetched = computed.map((output, k) =>
        recording.tensor(computedIds[k]!, this.#dtype(output), output.shape),
      );
      sources = outputs.map((output) => {
        const input = inputs.indexOf(output);
        return input >= 0 ? { input } : { fetch: computed.indexOf(output) };
      });
    } finally {
      backend.binding = binding;
    }
    const session = open(label, () => new Session(binding, recording.nodes));
    const feedNames = feeds.map(nameOf).join();
    const fetchNames = fetched.map(nameOf).join();
    return {
      outputs,
      recording: {
        replay: (values) => {
          const handles = session.run(backend.getInputTensorIds(values), feedNames, fetchNames);
          const results = handles.map((handle) => backend.createOutputTensor(handle));
          return sources.map((source) =>
            "input" in source ? values[source.input]! : results[source.fetch]!,
          );
        },
        dispose: () => session.close(),
      },
    };
  }

  #dtype(tensor: tf.Tensor): number {
    return this.#backend.tensorMap.get(tensor.dataId).dtype;
  }
}

const nameOf = ({ node, output }: RecordedTensor): string => `${node}:${output}`;

function open(label: string, make: () => Session): Session {
  try {
    return make();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CaptureRefused(`TensorFlow does not take the graph of the ${label}: ${reason}`);
  }
}
