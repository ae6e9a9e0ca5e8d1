/**
 * Shapes of one sample between the stages of a pipeline: an image [height, width, channels] or a vector [size]. How
 * they are written for people and compared. Pure.
 */
import type { Shape } from "../plan/plan.ts";

export function isImage(shape: Shape): boolean {
  return shape.length === 3;
}

export function isVector(shape: Shape): boolean {
  return shape.length === 1;
}

/** "an image of 32 x 32 x 1", "a vector of 64"; an unknown side is `_`. */
export function describeShape(shape: Shape): string {
  const sides = shape.map((side) => (side === undefined ? "_" : String(side)));
  return isImage(shape) ? `an image of ${sides.join(" x ")}` : `a vector of ${sides[0] ?? "_"}`;
}

/** `image[32, 32, 1]`, `vector[64]`: as a type is written. */
export function writeShape(shape: Shape): string {
  const sides = shape.map((side) => (side === undefined ? "_" : String(side))).join(", ");
  return `${isImage(shape) ? "image" : "vector"}[${sides}]`;
}

/** Number of values, `undefined` if a side is unknown. */
export function sizeOf(shape: Shape): number | undefined {
  let size = 1;
  for (const side of shape) {
    if (side === undefined) return undefined;
    size *= side;
  }
  return size;
}

/** Whether two shapes may be the same: sides that are not known agree with any. */
export function compatibleShapes(a: Shape, b: Shape): boolean {
  return (
    a.length === b.length &&
    a.every((side, axis) => side === undefined || b[axis] === undefined || side === b[axis])
  );
}
