/**
 * Draws icons as small gray images. Called by the builder of the icon data set; runs sharp (librsvg) and nothing else.
 * The image is the icon's ink: 0 where the page is blank, 255 where it is fully covered, so that blank is what a
 * convolution's zero padding continues.
 *
 * Many icons are laid out on one sheet and drawn at once: an image costs about a millisecond of set-up, a tenth of it
 * drawing.
 */
import sharp from "sharp";
import type { Icon } from "./icon_concepts.ts";

/** Icons along each side of a sheet. */
const SHEET_SIDE = 8;
const PER_SHEET = SHEET_SIDE * SHEET_SIDE;
/** Sheets under way at once; sharp draws them on its own threads. */
const SHEETS_AT_ONCE = 4;

/** The drawings, [icons, size, size], and the icons (by index) that cannot be drawn: their pixels are 0. */
export interface Drawings {
  readonly pixels: Uint8Array;
  readonly failed: readonly number[];
}

/** Draws each icon at `size` x `size`, its aspect ratio kept, centred. */
export async function drawIcons(
  icons: readonly Icon[],
  size: number,
  progress: (done: number, total: number) => void,
): Promise<Drawings> {
  const pixels = new Uint8Array(icons.length * size * size);
  const failed: number[] = [];
  let next = 0;
  let done = 0;
  const worker = async (): Promise<void> => {
    while (next < icons.length) {
      const first = next;
      next += PER_SHEET;
      const sheet = icons.slice(first, next);
      try {
        copyCells(await drawSheet(sheet, SHEET_SIDE, size), SHEET_SIDE, size, sheet.length, pixels, first);
      } catch {
        // One malformed icon spoils its sheet: draw them one by one to find it.
        for (let index = 0; index < sheet.length; index++) {
          try {
            copyCells(await drawSheet([sheet[index]!], 1, size), 1, size, 1, pixels, first + index);
          } catch {
            failed.push(first + index);
          }
        }
      }
      done += sheet.length;
      progress(done, icons.length);
    }
  };
  await Promise.all(Array.from({ length: SHEETS_AT_ONCE }, worker));
  return { pixels, failed: failed.sort((a, b) => a - b) };
}

/** A sheet of side * side cells of size x size pixels as ink, [side * size, side * size]. */
async function drawSheet(icons: readonly Icon[], side: number, size: number): Promise<Uint8Array> {
  const cells = icons.map((icon, index) => {
    const x = (index % side) * size;
    const y = Math.floor(index / side) * size;
    return `<svg x="${x}" y="${y}" width="${size}" height="${size}" viewBox="${icon.viewBox.join(" ")}">${ownIds(icon.body, index)}</svg>`;
  });
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ' +
    `width="${side * size}" height="${side * size}">${cells.join("")}</svg>`;
  return sharp(Buffer.from(svg))
    .flatten({ background: "white" })
    .toColourspace("b-w")
    .negate()
    .raw({ depth: "uchar" })
    .toBuffer();
}

/** The body with its ids and the references to them made its own, since the icons of a sheet share one document. */
function ownIds(body: string, index: number): string {
  return body.replace(/(\bid="|url\(#|href="#)/g, `$1cell${index}-`);
}

/** Copies the first `count` cells of a sheet to the images from number `first` on. */
function copyCells(
  sheet: Uint8Array,
  side: number,
  size: number,
  count: number,
  pixels: Uint8Array,
  first: number,
): void {
  for (let index = 0; index < count; index++) {
    const left = (index % side) * size;
    const top = Math.floor(index / side) * size;
    for (let y = 0; y < size; y++) {
      const from = (top + y) * side * size + left;
      pixels.set(sheet.subarray(from, from + size), ((first + index) * size + y) * size);
    }
  }
}
