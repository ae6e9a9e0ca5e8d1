/** Makes a label of a data set from what each sample is by it. Called by sources of data. Pure. */
import type { FurtherLabel } from "./types.ts";

/** The label `name` whose class is `classOf[sample]`, its classes in the order of their names. */
export function furtherLabel(name: string, classOf: readonly string[]): FurtherLabel {
  const classNames = [...new Set(classOf)].sort();
  const index = new Map(classNames.map((className, place) => [className, place]));
  return { name, classNames, labels: Int32Array.from(classOf, (className) => index.get(className)!) };
}
