/**
 * One training step as a pure function: (parameters, state, slots, batch, rates) to (values, new parameters, state and
 * slots). It reads nothing back, draws no random number, and every number that changes between steps comes in as a
 * tensor, so it can be captured as a graph, resumed and repeated. Called by the trainer.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Combined, Program, Sizes, ParameterSpec } from "../program.ts";
import { lossesReturned } from "../trace/flow.ts";
import { phase } from "../trace/phase.ts";
import { combinedGradients } from "./combined_gradients.ts";
import { createNet } from "./net.ts";
import type { Optimizer, RateTensors } from "./optimizers.ts";
import type { Generation, TensorMap } from "./tensors.ts";
import { embedViews } from "./views.ts";

/** A batch on the engine: images [B, H, W, C] in 0..1, those of further views behind the first's, and int32 training-class indices [B], sorted. */
export interface BatchTensors {
  readonly images: tf.Tensor4D;
  readonly labels: tf.Tensor1D;
  /** Identities of the samples [B], int32: their indices in the data set. */
  readonly ids: tf.Tensor1D;
  /** What the samples are by the further labels that the program reads, int32 [B]. */
  readonly otherLabels: Readonly<Record<string, tf.Tensor1D>>;
  /** The step's noise, by name. */
  readonly noise: TensorMap;
}

/** What a step says of itself, all scalars; read back only when the trainer asks. */
export interface StepValues {
  /** The scalar that was minimised. */
  readonly total: tf.Scalar;
  /** Raw value of each loss. */
  readonly losses: Readonly<Record<string, tf.Scalar>>;
  /** Effective weight of each loss. */
  readonly weights: Readonly<Record<string, tf.Scalar>>;
  /** Weights within named groups: see `Combined.groups`. */
  readonly groups?: Readonly<Record<string, tf.Scalar>>;
  /** Global norm of the gradients before clipping. */
  readonly gradientNorm: tf.Scalar;
}

export interface StepResult extends Generation {
  readonly values: StepValues;
}

export type Step = (generation: Generation, batch: BatchTensors, rates: RateTensors) => StepResult;

/**
 * The step of a program. The caller owns every tensor it returns, and still those it passed in; what did not change, a
 * constant parameter, appears in both.
 */
export function createStep(
  program: Program,
  sizes: Sizes,
  specs: readonly ParameterSpec[],
  optimizer: Optimizer,
): Step {
  const trained = specs.filter((spec) => spec.trainable).map((spec) => spec.name);
  return (generation, batch, rates) =>
    tf.tidy(() => {
      const { parameters, state, slots } = generation;
      const net = createNet(sizes, true, parameters, state, batch.noise);
      let raw: Record<string, tf.Scalar> = {};
      const forward = (): Combined => {
        const { others, ...embedded } = phase("embed", () => embedViews(program, batch.images, net));
        const losses = phase("losses", () =>
          program.losses(embedded.heads, batch.labels, net, others, batch.ids, batch.otherLabels),
        );
        lossesReturned(losses, state, net.updates);
        const combined = phase("combine", () =>
          program.combine(losses, { ...embedded, net, labels: batch.labels }),
        );
        raw = Object.fromEntries(Object.entries(losses).map(([name, loss]) => [name, loss.value]));
        // What leaves the step beside the minimised scalar must outlive the scope of the forward pass.
        for (const tensor of [...Object.values(raw), ...reported(combined)]) tf.keep(tensor);
        return combined;
      };
      const inputs = trained.map((name) => parameters[name]!);
      const { total, combined, gradients } = combinedGradients(forward, inputs);
      const byName = Object.fromEntries(trained.map((name, i) => [name, gradients[i]]));
      const next = phase("optimizer", () => optimizer.apply(parameters, byName, slots, rates));
      const { weights, groups } = combined;
      const said = { total, losses: raw, weights, ...(groups === undefined ? {} : { groups }) };
      return {
        values: { ...said, gradientNorm: next.gradientNorm },
        parameters: next.parameters,
        state: { ...state, ...net.updates },
        slots: next.slots,
      };
    });
}

const reported = ({ weights, groups }: Combined): tf.Tensor[] => [
  ...Object.values(weights),
  ...Object.values(groups ?? {}),
];
