/**
 * Builds the icon data set out of parsed icon sets: concepts, drawings, duplicates, synonyms. Called by `icon_sets.ts`;
 * touches no disk and no network.
 *
 * Which icons and concepts there are is decided at one reference size, so that they, and with them the class split, are
 * the same at every size.
 */
import { DataError } from "./errors.ts";
import { gatherConcepts } from "./icon_concepts.ts";
import type { Icon, IconSetJson } from "./icon_concepts.ts";
import { drawIcons } from "./icon_render.ts";
import { dropNearDuplicates, standardise, synonymClusters } from "./icon_select.ts";
import type { Dataset } from "./types.ts";

/** Raise with every change of the rules by which the data set is built: cached ones are then built again. */
export const BUILD_VERSION = 2;

const REFERENCE_SIZE = 32;

export interface IconBuildSettings {
  /** Side of the images, in pixels. */
  readonly size: number;
  /** A concept must occur in this many sets, and keep this many drawings once near-duplicates are dropped. */
  readonly leastIcons: number;
}

/**
 * The data set of the concepts that the sets share: gray images (255 where the icon's ink is, 0 elsewhere), classes by
 * name, samples by class, set and icon name.
 * Throws `DataError` if fewer than two concepts remain.
 */
export async function buildIconDataset(
  sets: readonly IconSetJson[],
  settings: IconBuildSettings,
  progress: (what: string, done: number, total: number) => void,
): Promise<Dataset> {
  const { size, leastIcons } = settings;
  const concepts = gatherConcepts(sets, leastIcons);
  const icons = concepts.flatMap((concept) => concept.icons);
  const conceptOf = Int32Array.from(concepts.flatMap(({ icons: drawn }, index) => drawn.map(() => index)));
  const reference = await drawIcons(icons, REFERENCE_SIZE, (done, total) =>
    progress("drawing icons", done, total),
  );
  const vectors = standardise(reference.pixels, REFERENCE_SIZE ** 2);
  progress("comparing icons", 0, 1);
  const keptOf: number[][] = [];
  let first = 0;
  for (const concept of concepts) {
    const end = first + concept.icons.length;
    keptOf.push(dropNearDuplicates(vectors, REFERENCE_SIZE ** 2, first, end));
    first = end;
  }
  const clusterOf = synonymClusters(vectors, REFERENCE_SIZE ** 2, conceptOf, setIndices(icons));
  progress("comparing icons", 1, 1);
  const classes = concepts.map((_, index) => index).filter((index) => keptOf[index]!.length >= leastIcons);
  if (classes.length < 2) {
    throw new DataError(
      `the icon sets share ${classes.length} concepts of ${leastIcons} icons: too few for a data set`,
      "This comes from a changed manifest: add icon sets.",
    );
  }
  const kept = classes.flatMap((index) => keptOf[index]!);
  const chosen = kept.map((index) => icons[index]!);
  const pixels =
    size === REFERENCE_SIZE
      ? pick(reference.pixels, kept, size * size)
      : (await drawIcons(chosen, size, (done, total) => progress("drawing icons", done, total))).pixels;
  const { failed } = reference;
  return {
    name: "icon_sets",
    image: [size, size, 1],
    classNames: classes.map((index) => concepts[index]!.name),
    classClusters: renumber(classes.map((index) => clusterOf[index]!)),
    labels: Int32Array.from(classes.flatMap((index, label) => keptOf[index]!.map(() => label))),
    sampleNames: chosen.map((icon) => icon.name),
    pixels,
    notes: [
      `${sets.length} icon sets share ${concepts.length} concepts in ${icons.length} icons; ${icons.length - failed.length - keptOf.flat().length} near-duplicates or blank drawings dropped, ` +
        `${concepts.length - classes.length} concepts of fewer than ${leastIcons} icons left out`,
      ...(failed.length === 0
        ? []
        : [`${failed.length} icons could not be drawn, the first is ${icons[failed[0]!]!.name}`]),
    ],
  };
}

/** A number for the set of each icon, in the order of first appearance. */
function setIndices(icons: readonly Icon[]): Int32Array {
  const numbers = new Map<string, number>();
  return Int32Array.from(icons, (icon) => {
    const set = icon.name.slice(0, icon.name.indexOf("/"));
    const known = numbers.get(set);
    if (known !== undefined) return known;
    numbers.set(set, numbers.size);
    return numbers.size - 1;
  });
}

function pick(pixels: Uint8Array, indices: readonly number[], length: number): Uint8Array {
  const picked = new Uint8Array(indices.length * length);
  indices.forEach((from, to) => picked.set(pixels.subarray(from * length, (from + 1) * length), to * length));
  return picked;
}

/** Equal values to equal numbers, each value to the first index that has it. */
function renumber(values: readonly number[]): Int32Array {
  return Int32Array.from(values, (value) => values.indexOf(value));
}
