/**
 * What a checked model is: every name resolved, every setting a value, every shape known. The checker produces it, and
 * lowering and emission read nothing else of the spec. Data only.
 */
import type { Span } from "../source/source.ts";
import type { ModelDeclaration } from "../syntax/ast.ts";
import type { LossInstance, MinerInstance, Values } from "../resolve/values.ts";

/** `[h, w, c]` for an image, `[n]` for a vector; a side the compiler cannot know yet is `undefined`. */
export type Shape = readonly (number | undefined)[];

/** A use of a primitive with its arguments bound: `icon_sets(size: 32)`, `cosine(warmup: 100 steps)`. */
export interface PrimitiveUse {
  readonly name: string;
  readonly values: Values;
  readonly span: Span;
  /** The use as written, on one line. */
  readonly text: string;
}

export type LayerPlan = PrimitiveLayer | ResidualLayer;

export interface PrimitiveLayer {
  readonly kind: "layer";
  /** The primitive's name: `conv`, `linear`, … */
  readonly name: string;
  readonly values: Values;
  /** Declaration path, `backbone/0.conv`; the prefix of its parameters' names. */
  readonly path: string;
  readonly input: Shape;
  readonly output: Shape;
  readonly span: Span;
}

/** `residual { … }`: the body plus its input, projected by a 1x1 convolution and batch norm where shapes differ. */
export interface ResidualLayer {
  readonly kind: "residual";
  readonly path: string;
  readonly body: readonly LayerPlan[];
  /** Stride of the projection; absent when the input is added as it is. */
  readonly projection?: { readonly stride: number };
  readonly input: Shape;
  readonly output: Shape;
  readonly span: Span;
}

export interface DataPlan {
  readonly name: string;
  readonly source: PrimitiveUse;
  readonly split: PrimitiveUse;
  readonly augment: readonly PrimitiveUse[];
  /** `rgb(128x128)`, where the data set says it; the source's own otherwise. */
  readonly image: readonly [number, number, number];
  /** The names of its labels, the class last; none where it has the class alone. */
  readonly labels: readonly string[];
}

export interface HeadPlan {
  /** The loss's name for a head of its own, the group's for a group's, `shared` for the model's shared one. */
  readonly name: string;
  readonly layers: readonly LayerPlan[];
  readonly dim: number;
  /** Whether the last stage is `normalize`. */
  readonly unit: boolean;
  /** Names of the losses that read it, in order. */
  readonly losses: readonly string[];
  /** v_h of language.md, "Heads". */
  readonly weight: number;
}

export interface LossPlan {
  readonly name: string;
  readonly instance: LossInstance;
  /** `by LABEL`: what stands in the place of the class. */
  readonly label?: string;
  readonly miner?: MinerInstance;
  readonly memory?: MemoryPlan;
  /** Name of its head. */
  readonly head: string;
  /** The entry in the spec. */
  readonly span: Span;
  /** The entry as written, on one line. */
  readonly text: string;
}

/** `against memory(size)`: how many samples of earlier steps a loss compares the batch with. */
export interface MemoryPlan {
  readonly size: number;
  readonly span: Span;
}

export type CombinePlan =
  | { readonly kind: "loss"; readonly name: string; readonly span: Span }
  /** Σ coefficient · node, raw. */
  | {
      readonly kind: "sum";
      readonly terms: readonly { readonly coefficient: number; readonly node: CombinePlan }[];
      readonly span: Span;
    }
  | {
      readonly kind: "strategy";
      /** `equal`, `learned`, … */
      readonly name: string;
      /** Path of its parameters and state: `combine`, `combine/0`, … */
      readonly path: string;
      readonly values: Values;
      /** What its declaration asks of its operands: `non_negative`, `per_sample`, … */
      readonly needs: readonly string[];
      /** Each operand with the name it is reported by. */
      readonly operands: readonly { readonly name: string; readonly node: CombinePlan }[];
      readonly span: Span;
    };

/** What a sample of a class with that many samples counts: see stdlib/training/class_weights.dml. */
export type ClassWeights = "balanced" | "inverse_sqrt";

export interface TrainPlan {
  readonly batch: { readonly classes: number; readonly samples: number };
  readonly optimizer: PrimitiveUse;
  /** Learning-rate multipliers by group. */
  readonly groups: ReadonlyMap<string, number>;
  readonly schedule: PrimitiveUse;
  readonly steps: number;
  readonly select?: PrimitiveUse;
  /** How losses are weighed by class, by name: those that are. */
  readonly classWeights: ReadonlyMap<string, ClassWeights>;
  /** In which the layers of the training step multiply: `float32` or `bfloat16`. */
  readonly precision: PrimitiveUse;
  readonly seed: number;
}

export interface EvaluatePlan {
  readonly recallAt: readonly number[];
  readonly mapAtR: boolean;
  readonly rPrecision: boolean;
  readonly nmi: boolean;
  readonly knnAccuracy?: number;
}

export interface ModelPlan {
  readonly name: string;
  readonly declaration: ModelDeclaration;
  readonly data: DataPlan;
  readonly backbone: {
    /** As written: `conv4(width: 64)`. */
    readonly text: string;
    readonly layers: readonly LayerPlan[];
    readonly input: Shape;
    readonly output: Shape;
  };
  readonly heads: readonly HeadPlan[];
  readonly losses: readonly LossPlan[];
  readonly combine: CombinePlan;
  readonly train: TrainPlan;
  readonly evaluate: EvaluatePlan;
  readonly compress?: PrimitiveUse;
}
