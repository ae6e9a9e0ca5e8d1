/**
 * Sums over the batch, or over the classes, whose tensors would not fit in memory at once: block by block of rows, each
 * block recomputed in the backward pass. The most memory is that of one block, however many rows there are.
 */
import * as tf from "@tensorflow/tfjs-core";

/** Memory that the tensors of one block may take. */
const BLOCK_BYTES = 2 ** 26;

/**
 * The sum over all rows of `sum(rows of sliced, shared)`, a scalar.
 * @param rowBytes what the tensors of one row take, estimated; decides how many rows a block has
 * @param sliced tensors of which a block gets its rows, [n, ...]
 * @param shared tensors that every block gets whole
 * @param sum a block's rows of `sliced`, then `shared`, to a scalar
 */
export function inBlocks(
  rowBytes: number,
  sliced: readonly tf.Tensor[],
  shared: readonly tf.Tensor[],
  sum: (...inputs: tf.Tensor[]) => tf.Tensor,
  blockBytes = BLOCK_BYTES,
): tf.Tensor {
  const length = sliced[0]!.shape[0]!;
  const rows = Math.max(1, Math.min(length, Math.floor(blockBytes / rowBytes)));
  const all = [...sliced, ...shared];
  if (rows >= length) return sum(...all);
  const isReal = all.map((input) => input.dtype === "float32");
  const real = all.filter((_, k) => isReal[k]);

  const block = (inputs: readonly tf.Tensor[], start: number): tf.Tensor[] => {
    const count = Math.min(rows, length - start);
    return inputs.map((input, k) => (k < sliced.length ? tf.slice(input, start, count) : input));
  };
  const starts = Array.from({ length: Math.ceil(length / rows) }, (_, k) => k * rows);

  const op = tf.customGrad((...args) => {
    const save = args.at(-1) as unknown as tf.GradSaveFunc;
    save(all);
    const value = starts
      .map((start) => tf.tidy(() => sum(...block(all, start))))
      .reduce((total, part) => tf.add(total, part));
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => backward(dy, saved);
    return { value, gradFunc };
  });

  const backward = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
    const pieces: tf.Tensor[][] = saved.map(() => []);
    for (const start of starts) {
      const gradients = tf.tidy(() => blockGradients(sum, block(saved, start), isReal, dy));
      let next = 0;
      saved.forEach((_, k) => {
        if (!isReal[k]) return;
        const gradient = gradients[next++]!;
        const before = pieces[k]!.pop();
        if (k < sliced.length || before === undefined) pieces[k]!.push(...(before ? [before] : []), gradient);
        else {
          // Shared inputs add up as the blocks go by, so that only one gradient of each is held.
          pieces[k]!.push(tf.add(before, gradient));
          before.dispose();
          gradient.dispose();
        }
      });
    }
    return saved.flatMap((_, k) => {
      if (!isReal[k]) return [];
      return [k < sliced.length ? tf.concat(pieces[k]!, 0) : pieces[k]![0]!];
    });
  };

  return op(...real);
}

/** tfjs keeps one tape; the gradients of a block, taken inside the backward pass, must leave the outer one as it was. */
interface Differentiator {
  readonly state: { activeTape: unknown };
  gradients(
    f: () => tf.Tensor,
    xs: readonly tf.Tensor[],
    dy: tf.Tensor,
    allowNoGradients: boolean,
  ): { grads: (tf.Tensor | null)[] };
}

/** Gradients of one block by its real inputs; zeros where the sum does not depend on one. */
function blockGradients(
  sum: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: readonly tf.Tensor[],
  isReal: readonly boolean[],
  dy: tf.Tensor,
): tf.Tensor[] {
  const real = inputs.filter((_, k) => isReal[k]);
  const engine = tf.engine() as unknown as Differentiator;
  const outer = engine.state.activeTape;
  const { grads } = engine.gradients(() => sum(...inputs), real, dy, true);
  engine.state.activeTape = outer;
  return grads.map((gradient, k) => gradient ?? tf.zerosLike(real[k]!));
}
