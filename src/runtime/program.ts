/**
 * The contract between an emitted program and the runtime: what a program says of itself (`Program`), and what its
 * functions are handed (`Net`). Types only. Emitted programs are written against it, the trainer and the evaluator
 * read it, and nothing here may touch an engine or a disk.
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { Augmentation, DataSource, SplitRule } from "./data/types.ts";

/** Sizes that are known only once the data has been read. */
export interface Sizes {
  /** Number of training classes. */
  readonly classes: number;
  /** Number of training classes of each further label that the program reads; absent where it reads none. */
  readonly labels?: Readonly<Record<string, number>>;
  /** Number of training samples of each class. */
  readonly counts?: readonly number[];
  /** The same of each further label that the program reads. */
  readonly labelCounts?: Readonly<Record<string, readonly number[]>>;
}

/** Optimiser groups of language.md, "Rates". */
export type ParameterGroup = "backbone" | "heads" | "params" | "weights";

/** Fills a freshly allocated parameter; `random` is keyed by (seed, parameter name). */
export type Initializer = (shape: readonly number[], random: InitializerRandom) => Float32Array;
export interface InitializerRandom {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
}

export interface ParameterSpec {
  /** Declaration path, e.g. `backbone/2.conv/filter`, `losses/arc/w`, `combine/a`. Unique; also the key of its random stream. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: Initializer;
  readonly group: ParameterGroup;
  /** Absolute learning rate (`param w … { lr: 1e-2 }`); otherwise the optimiser's, times its group's multiplier. */
  readonly lr?: number;
  /** Whether weight decay applies: never on biases, batch-norm scales, proxies or weights of losses. */
  readonly decay: boolean;
  /** `false` for `param … { train: false }`: a constant that is saved with the rest. */
  readonly trainable: boolean;
}

/** Numbers drawn anew for every training step, uniform in [0, 1). */
export interface NoiseSpec {
  /** Declaration path, e.g. `combine/order`. Unique; the stream of step t is keyed by (seed, name, t). */
  readonly name: string;
  readonly shape: readonly number[];
}

export interface StateSpec {
  /** Declaration path, e.g. `backbone/2.batch_norm/mean`, `combine/pull/sum`. Unique. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Initial value of every element, or what fills it. */
  readonly initial: number | Initializer;
  /** Whether it is left out of the weights: what a loss remembers is of use to the run alone. */
  readonly transient?: boolean;
}

/** What the functions of an emitted program see: the parameters, the state before the step, and where the next state goes. */
export interface Net {
  readonly sizes: Sizes;
  /** `false` during evaluation: batch normalisation uses its running statistics and dropout is off. */
  readonly training: boolean;
  /** The trainable (or constant) parameter of this name. */
  param(name: string): tf.Tensor;
  /** The state's value before the step. */
  state(name: string): tf.Tensor;
  /** Sets the state's value after the step (no gradient flows through it). Ignored when not training. */
  update(name: string, next: tf.Tensor): void;
  /** The noise of this name at this step. Only when training. */
  noise(name: string): tf.Tensor;
}

/** One loss on one batch. */
export interface LossValue {
  /** The raw value, a scalar. */
  readonly value: tf.Scalar;
  /** 1 if the batch held at least one valid tuple, else 0 (then `value` is 0 with zero gradients). */
  readonly valid: tf.Scalar;
  /**
   * The shares of the samples, for a loss that decomposes over them (language.md, "Granularity"): the share of sample
   * a is B times its part of the numerator over the whole denominator, detached. Its mean plus `constant` is `value`,
   * gradients included. Required below a gate, elsewhere left out.
   */
  readonly perSample?: tf.Tensor1D;
  /** With `perSample`: the part of `value` without a batch index (a regulariser); 0 where absent. */
  readonly constant?: tf.Scalar;
}

/** A loss, or a combination of losses, on one batch. */
export interface Combined extends LossValue {
  /** Effective weight of every loss below this node (product along the path, scales left out), by loss name. */
  readonly weights: Readonly<Record<string, tf.Scalar>>;
  /**
   * Weights within named groups: of group g in its parent by `g`, of a loss or group below it in g by `g/name`. Absent
   * without groups.
   */
  readonly groups?: Readonly<Record<string, tf.Scalar>>;
  /**
   * What strategies below this node minimise for themselves, in parameters of their own (a gate's objective). Added to
   * the value that is minimised; no weight and no scale touches it.
   */
  readonly own?: tf.Scalar;
  /** The nodes at or below this one whose gradient is not that of their value. */
  readonly surgeries?: readonly Surgery[];
}

/** A node that puts together the gradients of its operands: in `value` they are added up. */
export interface Surgery {
  /** `pcgrad`: Yu et al. (2020), algorithm 1. */
  readonly kind: "pcgrad";
  /** The node's value, the sum of `tasks`. */
  readonly value: tf.Scalar;
  /** The operands' values. */
  readonly tasks: readonly tf.Scalar[];
  /** Derivative of the root's value by the node's, detached. */
  readonly factor: tf.Scalar;
  /** [K, K]: row i orders the other tasks, ascending, for the projections of task i's gradient. */
  readonly order: tf.Tensor2D;
}

/** What the backbone and the heads make of a batch. */
export interface Embedded {
  /** The backbone's features, flattened: [B, F]. */
  readonly features: tf.Tensor2D;
  /**
   * The features as the heads read them, of all views: where strategies measure gradients (`scale: gradient_norm`). Absent
   * where none does.
   */
  readonly trunk?: tf.Tensor;
  /** Each head's embeddings [B, dim], by head name. */
  readonly heads: Readonly<Record<string, tf.Tensor2D>>;
}

/** What a combination may read beside the losses. */
export interface CombineContext extends Embedded {
  readonly net: Net;
  /** Class indices [B], int32. */
  readonly labels: tf.Tensor1D;
}

/** Squared weights of heads in the ensemble embedding, by head name: per sample [B], or the same for all. */
export type HeadWeights = Readonly<Record<string, tf.Tensor1D | tf.Scalar>>;

export interface HeadSpec {
  readonly name: string;
  /** Width of its embedding. */
  readonly dim: number;
  /** Whether its embeddings have unit length. */
  readonly unit: boolean;
  /** Squared weight v_h of the head in the ensemble embedding: z = concat_h sqrt(v_h) * f_h, sum_h v_h = 1. */
  readonly weight: number;
  /** The losses that read it. */
  readonly losses: readonly string[];
}

/** Where a declaration stands in the spec, for messages at run time. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  /** The text of the declaration, one line. */
  readonly text: string;
}

export interface OptimizerSettings {
  readonly kind: "sgd" | "adam" | "adamw";
  readonly lr: number;
  readonly momentum?: number;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  readonly weightDecay?: number;
  /** Global gradient norm above which gradients are scaled down; none when absent. */
  readonly clip?: number;
  /** Learning-rate multipliers by group; 1 where absent. */
  readonly groups?: Partial<Record<ParameterGroup, number>>;
}

export type ScheduleSettings =
  | { readonly kind: "constant"; readonly warmup: number }
  /** Half a cosine from 1 to `floor` over the steps after the warm-up. */
  | { readonly kind: "cosine"; readonly warmup: number; readonly floor: number }
  /** Multiplied by `factor` every `every` steps after the warm-up. */
  | { readonly kind: "step"; readonly warmup: number; readonly every: number; readonly factor: number };

export interface TrainSettings {
  /** P classes of M samples each. */
  readonly batch: { readonly classes: number; readonly samples: number };
  readonly optimizer: OptimizerSettings;
  readonly schedule: ScheduleSettings;
  /** Total training steps. */
  readonly steps: number;
  /** Which parameters are kept: the last, or the best by a metric of the ensemble on the validation classes. */
  readonly select:
    | { readonly kind: "last" }
    | {
        readonly kind: "best";
        readonly metric: MetricName;
        readonly every: number;
        readonly patience: number;
      };
  /** In which the layers multiply while training, on engines that have it; `float32` where absent. */
  readonly precision?: Precision;
  readonly seed: number;
}

/** What layers multiply in: see `stdlib/training/precision.dml`. */
export type Precision = "float32" | "bfloat16";

export type MetricName = `recall_at_${number}` | "map_at_r" | "r_precision" | "nmi" | "knn_accuracy";

export interface EvaluateSettings {
  /** The K of Recall@K, ascending. */
  readonly recallAt: readonly number[];
  readonly mapAtR: boolean;
  readonly rPrecision: boolean;
  readonly nmi: boolean;
  /** Number of neighbours of the kNN accuracy; none when absent. */
  readonly knnAccuracy?: number;
}

export type CompressSettings = DistanceSettings | DistilledSettings;

/** A small network on the features whose distances are the ensemble's. */
export interface DistilledSettings {
  readonly kind: "distilled";
  /** Width of the compressed embedding. */
  readonly to: number;
  /** Rectified units beside its linear map. */
  readonly hidden: number;
  readonly steps: number;
}

export interface DistanceSettings {
  readonly kind: "distances";
  /** Width of the compressed embedding. */
  readonly to: number;
  /** What is kept as well as can be: inner products (`strain`, where absent) or squared distances. */
  readonly metric?: "strain" | "stress";
  /** One linear head of the features in place of all heads. `linear` are the paths of the heads' parameters, in their order, where each head is one linear map itself; otherwise the head is fitted to them. */
  readonly fold?: { readonly linear?: readonly string[] };
  /** With `fold.linear`: how far directions are ranked by the heads alone, without the data; 0 where absent. */
  readonly blend?: number;
}

/** Everything a compiled spec is. An emitted program's default export. */
export interface Program {
  /** The model's name. */
  readonly name: string;
  readonly spec: { readonly file: string; readonly hash: string };
  readonly compiler: string;

  readonly data: DataSource;
  readonly split: SplitRule;
  readonly augment: readonly Augmentation[];
  /** Height, width, channels of one image. */
  readonly image: readonly [number, number, number];
  /** How often each sample of a training batch is drawn, augmented anew; once where absent. */
  readonly views?: number;

  /** Labels of the data set that its losses read beside the class; none where absent. */
  readonly labels?: readonly string[];

  readonly heads: readonly HeadSpec[];
  /** By loss name, in the order of declaration: only losses that are combined. */
  readonly lossPlaces: Readonly<Record<string, SourcePlace>>;

  parameters(sizes: Sizes): ParameterSpec[];
  state(sizes: Sizes): StateSpec[];
  /** Noise that its functions read while training; none where absent. */
  noise?(sizes: Sizes): NoiseSpec[];
  /** Images [B, H, W, C], values in 0..1, to features and each head's embeddings. */
  embed(images: tf.Tensor4D, net: Net): Embedded;
  /**
   * Each head's embeddings and int32 class indices [B] (sorted by class, P classes of M) to each loss. `otherViews` are the
   * embeddings of the further views of the same samples; `ids` the int32 identities of the samples [B], for losses
   * against a memory; `otherLabels` what the samples are by each of `labels`, int32 [B].
   */
  losses(
    embeddings: Embedded["heads"],
    labels: tf.Tensor1D,
    net: Net,
    otherViews: readonly Embedded["heads"][],
    ids: tf.Tensor1D,
    otherLabels: Readonly<Record<string, tf.Tensor1D>>,
  ): Record<string, LossValue>;
  /** The losses into the one scalar that is minimised. */
  combine(losses: Record<string, LossValue>, context: CombineContext): Combined;
  /**
   * Squared weights v_h of the heads in the ensemble embedding, where the network decides them: z_i = concat_h
   * sqrt(v_h(i)) * f_h(x_i). A head that is not named keeps `HeadSpec.weight`. Absent where no weight is learned.
   */
  headWeights?(features: tf.Tensor2D, net: Net): HeadWeights;
  /** `fit`: the heads' weights are fitted to the validation classes when training has ended (`ensemble/fit.ts`). */
  readonly inference?: { readonly kind: "fit" };

  readonly train: TrainSettings;
  readonly evaluate: EvaluateSettings;
  readonly compress?: CompressSettings;
}
