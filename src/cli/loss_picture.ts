/**
 * `--plot FILE.svg` of `dmlc try`: a loss's value and gradient against similarities, as a picture on disk. Ends the
 * command where there is nothing to draw, or nowhere to write.
 */
import { mkdir } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { curvesOf } from "../plot/curves.ts";
import type { LossCurves } from "../plot/curves.ts";
import { lossPicture } from "../plot/picture.ts";
import { systemCode } from "../runtime/data/errors.ts";
import { writeFileAtomic } from "../runtime/report/atomic_write.ts";
import { CommandError, EXIT } from "./exit.ts";
import type { TriedLoss } from "./loss_argument.ts";

/** Ends the command with exit code 2 for a file of a kind that is not written. */
export function checkPictureFile(file: string): void {
  if (extname(file).toLowerCase() === ".svg") return;
  throw new CommandError(
    EXIT.usage,
    `--plot writes SVG, and ${file} is no .svg file`,
    "Write --plot FILE.svg.",
  );
}

/** The curves of a loss; throws `InterpretError` for one that cannot be interpreted. */
export function curvesToDraw({ loss, miner }: TriedLoss): LossCurves {
  const curves = curvesOf(loss, miner);
  if (curves !== undefined) return curves;
  const { text: name } = loss.declaration.name;
  throw new CommandError(
    EXIT.usage,
    `there is nothing to draw: ${name} is the same at every similarity`,
    "Its value depends on something else of the embeddings, their lengths for example.",
  );
}

/** Writes the picture; `use` is the loss as it was asked for. */
export async function writePicture(file: string, use: string, curves: LossCurves): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFileAtomic(file, lossPicture(use, curves));
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    throw new CommandError(
      EXIT.usage,
      `cannot write ${file}: ${(error as Error).message}`,
      "Choose another place.",
    );
  }
}
