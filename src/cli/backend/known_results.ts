/**
 * Products, convolutions and their gradients whose results are known exactly: what a self-test asks of an engine. Called
 * by the self-tests, in processes of their own; computes on the current tfjs backend.
 */
import * as tf from "@tensorflow/tfjs-core";

/** What came out wrong on the current backend, in words; empty if all is well. Gradients must have been registered. */
export async function wrongKernels(): Promise<string[]> {
  const wrong: string[] = [];
  const expect = async (what: string, value: tf.Tensor, expected: readonly number[]): Promise<void> => {
    const found = [...(await value.data())];
    if (found.length !== expected.length || found.some((each, k) => each !== expected[k])) {
      wrong.push(`${what} gave ${found.join(", ")} instead of ${expected.join(", ")}`);
    }
  };
  const a = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
  const b = tf.tensor2d([1, 0, 0, 1, 1, 1], [3, 2]);
  await expect("a matrix product", tf.matMul(a, b), [4, 5, 10, 11]);
  const square = tf.grad((x: tf.Tensor) => tf.sum(tf.square(tf.matMul(x as tf.Tensor2D, b))));
  // 2 (a b) bᵀ
  await expect("the gradient of a matrix product", square(a), [8, 10, 18, 20, 22, 42]);
  const image = tf.ones<tf.Rank.R4>([1, 3, 3, 1]);
  const filter = tf.ones<tf.Rank.R4>([2, 2, 1, 1]);
  await expect("a convolution", tf.conv2d(image, filter, 1, "valid"), [4, 4, 4, 4]);
  const [byImage, byFilter] = tf.grads((x: tf.Tensor, f: tf.Tensor) =>
    tf.sum(tf.conv2d(x as tf.Tensor4D, f as tf.Tensor4D, 1, "valid")),
  )([image, filter]);
  await expect("the gradient of a convolution by its image", byImage!, [1, 2, 1, 2, 4, 2, 1, 2, 1]);
  await expect("the gradient of a convolution by its filter", byFilter!, [4, 4, 4, 4]);
  return wrong;
}
