/**
 * Random changes of training images: affine maps, random resized crops, flips and cutout. Called by the batch maker
 * once an image and step, on the CPU, outside the training step; plain loops over float pixels. Every random number is
 * drawn from the generator that is handed in, always the same count of them whatever their values.
 */
import type { Random } from "../random.ts";
import { DataError } from "./errors.ts";
import type { Augmentation, AugmentationRecipe } from "./types.ts";

/** Largest changes of `affine`; each is 0 where absent. */
export interface AffineSettings {
  /** Largest absolute rotation, in radians. */
  readonly rotate?: number;
  /** The zoom is uniform in [1 - scale, 1 + scale], in [0, 1). */
  readonly scale?: number;
  /** Largest shift along each axis, as a fraction of that side. */
  readonly shift?: number;
}

/**
 * Rotation, zoom and shift about the centre, each uniform within its bound; bilinear, and beyond the border the nearest
 * edge pixel is repeated. All bounds 0: the image exactly.
 */
export function affine(settings: AffineSettings): Augmentation {
  const { rotate = 0, scale = 0, shift = 0 } = settings;
  requireRange("affine", "rotate", rotate, 0, Math.PI);
  requireRange("affine", "scale", scale, 0, 0.99);
  requireRange("affine", "shift", shift, 0, 1);
  return {
    description: `affine(rotate: ${rotate}, scale: ${scale}, shift: ${shift})`,
    recipe: { kind: "affine", rotate, scale, shift },
    apply(source, target, image, random) {
      const [height, width] = image;
      const angle = symmetric(random) * rotate;
      const zoom = 1 + symmetric(random) * scale;
      const shiftX = symmetric(random) * shift * width;
      const shiftY = symmetric(random) * shift * height;
      const cos = Math.cos(angle) / zoom;
      const sin = Math.sin(angle) / zoom;
      // A target pixel reads the source at the inverse map: unshift, unrotate, unzoom.
      const centreX = (width - 1) / 2;
      const centreY = (height - 1) / 2;
      const fromX = -centreX - shiftX;
      const fromY = -centreY - shiftY;
      resample(source, target, image, {
        x0: centreX + fromX * cos + fromY * sin,
        y0: centreY - fromX * sin + fromY * cos,
        xx: cos,
        xy: sin,
        yx: -sin,
        yy: cos,
      });
    },
  };
}

/**
 * Random resized crop (Szegedy et al. 2015): a rectangle whose area is uniform in [scale, 1] of the image and whose
 * aspect ratio is log-uniform in [3/4, 4/3] of the image's, anywhere within it, stretched to the whole; bilinear.
 */
export function resizedCrop(settings: { readonly scale: number }): Augmentation {
  const { scale } = settings;
  requireRange("resized_crop", "scale", scale, 0.01, 1);
  return {
    description: `resized_crop(scale: ${scale})`,
    recipe: { kind: "resized_crop", scale },
    apply(source, target, image, random) {
      const [height, width] = image;
      const area = scale + (1 - scale) * random.uniform();
      const ratio = Math.exp(symmetric(random) * Math.log(4 / 3) * 0.5);
      const partX = Math.min(1, Math.sqrt(area) * ratio);
      const partY = Math.min(1, Math.sqrt(area) / ratio);
      const left = random.uniform() * (1 - partX) * width;
      const top = random.uniform() * (1 - partY) * height;
      // Pixel centres: target x + 1/2 of the width maps to source left + part * (x + 1/2).
      resample(source, target, image, {
        x0: left + partX / 2 - 0.5,
        y0: top + partY / 2 - 0.5,
        xx: partX,
        xy: 0,
        yx: 0,
        yy: partY,
      });
    },
  };
}

/** Mirrors left and right with probability 1/2. */
export function flip(): Augmentation {
  return {
    description: "flip()",
    recipe: { kind: "flip" },
    apply(source, target, [height, width, channels], random) {
      if (random.uniform() >= 0.5) {
        target.set(source);
        return;
      }
      for (let y = 0; y < height; y++) {
        const row = y * width * channels;
        for (let x = 0; x < width; x++) {
          const from = row + (width - 1 - x) * channels;
          const to = row + x * channels;
          for (let c = 0; c < channels; c++) target[to + c] = source[from + c]!;
        }
      }
    },
  };
}

/**
 * Cutout (DeVries & Taylor 2017): hides a square of `size` pixels a side whose centre is uniform over the image, so
 * that it may stick out; the hidden pixels take the image's mean of their channel (the paper's 0 after normalisation).
 */
export function cutout(size: number): Augmentation {
  requireRange("cutout", "size", size, 0, 4096);
  if (!Number.isInteger(size)) {
    throw new DataError(
      `cutout: size must be a whole number of pixels, got ${size}`,
      "Write e.g. cutout(8).",
    );
  }
  return {
    description: `cutout(${size})`,
    recipe: { kind: "cutout", size },
    apply(source, target, [height, width, channels], random) {
      target.set(source);
      const left = random.int(width) - (size >> 1);
      const top = random.int(height) - (size >> 1);
      if (size === 0) return;
      const x0 = Math.max(0, left);
      const x1 = Math.min(width, left + size);
      const y0 = Math.max(0, top);
      const y1 = Math.min(height, top + size);
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let at = c; at < source.length; at += channels) sum += source[at]!;
        const mean = sum / (height * width);
        for (let y = y0; y < y1; y++) {
          for (let x = x0; x < x1; x++) target[(y * width + x) * channels + c] = mean;
        }
      }
    },
  };
}

/** The augmentation that a recipe describes: the same function of image and random numbers. */
export function augmentationOf(recipe: AugmentationRecipe): Augmentation {
  switch (recipe.kind) {
    case "affine":
      return affine(recipe);
    case "resized_crop":
      return resizedCrop(recipe);
    case "flip":
      return flip();
    case "cutout":
      return cutout(recipe.size);
  }
}

/** Source position of target pixel (x, y): (x0 + x * xx + y * xy, y0 + x * yx + y * yy). */
interface PixelMap {
  readonly x0: number;
  readonly y0: number;
  readonly xx: number;
  readonly xy: number;
  readonly yx: number;
  readonly yy: number;
}

/** Bilinear read of `source` through `map` into `target`; positions beyond the border are moved onto it. */
function resample(
  source: Float32Array,
  target: Float32Array,
  [height, width, channels]: readonly [number, number, number],
  map: PixelMap,
): void {
  const { x0, y0, xx, xy, yx, yy } = map;
  const lastX = width - 1;
  const lastY = height - 1;
  const rowLength = width * channels;
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sx = x0 + x * xx + y * xy;
      let sy = y0 + x * yx + y * yy;
      sx = sx < 0 ? 0 : sx > lastX ? lastX : sx;
      sy = sy < 0 ? 0 : sy > lastY ? lastY : sy;
      const left = sx | 0;
      const top = sy | 0;
      const fx = sx - left;
      const fy = sy - top;
      const right = left < lastX ? channels : 0;
      const below = top < lastY ? rowLength : 0;
      let at = top * rowLength + left * channels;
      for (let c = 0; c < channels; c++, at++, to++) {
        const upper = source[at]! + (source[at + right]! - source[at]!) * fx;
        const lower = source[at + below]! + (source[at + below + right]! - source[at + below]!) * fx;
        target[to] = upper + (lower - upper) * fy;
      }
    }
  }
}

/** Uniform in [-1, 1). */
function symmetric(random: Random): number {
  return 2 * random.uniform() - 1;
}

function requireRange(owner: string, name: string, value: number, low: number, high: number): void {
  if (value >= low && value <= high) return;
  throw new DataError(
    `${owner}: ${name} must lie between ${low} and ${Number(high.toFixed(4))}, got ${value}`,
    `Change ${name} in the data set's augment setting.`,
  );
}
