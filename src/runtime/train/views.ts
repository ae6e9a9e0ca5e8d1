/**
 * Programs whose losses read several views of a batch: the images of all views go through the network as one batch, and
 * what comes out is taken apart again. Called by the training step and the search for a divergence; pure.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Embedded, Net, Program } from "../program.ts";

export interface EmbeddedViews extends Embedded {
  /** Each head's embeddings of the views after the first. */
  readonly others: readonly Embedded["heads"][];
}

/**
 * Embeds images [V * B, H, W, C], view after view: features and heads of the first view, and the heads of the others. Of
 * the network nothing else is left but what a recording has kept for the gradient.
 */
export function embedViews(program: Program, images: tf.Tensor4D, net: Net): EmbeddedViews {
  return tf.tidy(() => embedded(program, images, net) as EmbeddedViews & tf.TensorContainerObject);
}

function embedded(program: Program, images: tf.Tensor4D, net: Net): EmbeddedViews {
  const all = program.embed(images, net);
  const { views = 1 } = program;
  if (views === 1) return { ...all, others: [] };
  const size = images.shape[0] / views;
  const ofView = (tensor: tf.Tensor2D, view: number): tf.Tensor2D =>
    tf.slice(tensor, [view * size, 0], [size, -1]);
  const heads = (view: number): Embedded["heads"] =>
    Object.fromEntries(Object.entries(all.heads).map(([name, head]) => [name, ofView(head, view)]));
  const { trunk } = all;
  return {
    ...(trunk === undefined ? {} : { trunk }),
    features: ofView(all.features, 0),
    heads: heads(0),
    others: Array.from({ length: views - 1 }, (_, k) => heads(k + 1)),
  };
}
