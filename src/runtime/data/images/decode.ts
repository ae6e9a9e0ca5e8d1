/** One image file as the bytes of a data set. Called by `folder` and by whoever reads its files later. */
import sharp from "sharp";
import { DataError } from "../errors.ts";

/** An image of more pixels is treated as corrupt: no class of photos needs them, and a few would fill the memory. */
const MOST_PIXELS_PER_IMAGE = 2 ** 27;

/**
 * The image at `file` as H * W * C bytes: turned as its EXIF data say, scaled to cover H x W and cropped about its centre,
 * put on white where it is transparent, and made gray or RGB. Throws what sharp says of a file it cannot decode.
 */
export async function decodeImage(
  file: string,
  [height, width, channels]: readonly [number, number, number],
): Promise<Uint8Array> {
  const upright = sharp(file, { limitInputPixels: MOST_PIXELS_PER_IMAGE })
    .autoOrient()
    .resize(width, height, { fit: "cover" })
    .flatten({ background: "white" })
    .toColourspace(channels === 1 ? "b-w" : "srgb");
  const { data, info } = await upright.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  if (info.channels !== channels) throw new Error(`decoded to ${info.channels} channels`);
  return data;
}

/** Throws what sharp says of a file whose header is no image's; reads no further. */
export async function readHeader(file: string): Promise<void> {
  await sharp(file, { limitInputPixels: MOST_PIXELS_PER_IMAGE }).metadata();
}

/** Each decode on one thread: batches have many images, and as many decodes run at once as there are threads. */
export function decodeOnOneThread(): void {
  sharp.concurrency(1);
  sharp.cache(false);
}

/** The first line of what a decoder says. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.split("\n")[0]! : String(error);
}

/** The error for an image that was to be decoded in the middle of a run. */
export function undecodable(name: string, error: unknown): DataError {
  return new DataError(
    `cannot decode ${name}: ${reasonOf(error)}`,
    "Repair or remove the image, and run again.",
    { cause: error },
  );
}
