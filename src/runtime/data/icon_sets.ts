/**
 * `icon_sets(size)`: concepts drawn in the styles of forty openly licensed icon sets, the example data set. Called by
 * emitted programs. Built at first use from pinned npm packages and kept in the user's cache; later loads read one
 * folder.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { cacheError } from "./cache_directory.ts";
import { readCachedDataset, writeCachedDataset } from "./dataset_cache.ts";
import { DataError } from "./errors.ts";
import { BUILD_VERSION, buildIconDataset } from "./icon_build.ts";
import { fetchIconSets, packageName } from "./icon_fetch.ts";
import type { RunNpm } from "../npm.ts";
import { ICON_SETS } from "./icon_sets_manifest.ts";
import { furtherLabel } from "./further_labels.ts";
import type { Dataset, DataSource, FurtherLabel } from "./types.ts";

/** Sets that a concept must occur in, and drawings that it must keep. */
const LEAST_ICONS = 8;
const STALE_MILLISECONDS = 24 * 3600 * 1000;

/**
 * The icon data set at `size` x `size`, gray: ink 255, background 0. Classes, samples and clusters are the same at every
 * size. `load` throws `DataError` if the packages cannot be fetched or the cache cannot be written.
 */
export function iconSets(settings: { readonly size: number }): DataSource {
  const { size } = settings;
  return {
    description: `icon_sets(size: ${size})`,
    load: (context) => loadIconSets(size, context.cacheDirectory, context.progress),
  };
}

/** `iconSets(…).load`, with the npm to run. */
export async function loadIconSets(
  size: number,
  cacheDirectory: string,
  progress: (what: string, done: number, total: number) => void,
  runNpm?: RunNpm,
): Promise<Dataset> {
  if (!Number.isInteger(size) || size < 8 || size > 512) {
    throw new DataError(
      `icon_sets: size must be a whole number of pixels from 8 to 512, got ${size}`,
      "Write e.g. icon_sets(size: 32).",
    );
  }
  const folder = iconSetFolder(size, cacheDirectory);
  const home = dirname(folder);
  const cached = readCachedDataset(folder);
  if (cached !== undefined) return withLicences(cached, folder);
  removeStale(home);
  const sets = await fetchIconSets(
    ICON_SETS,
    home,
    (done, total) => progress("icon packages", done, total),
    runNpm,
  );
  const built = await buildIconDataset(sets, { size, leastIcons: LEAST_ICONS }, progress);
  writeCachedDataset(folder, built, { "LICENCES.txt": iconLicences() });
  return withLicences(built, folder);
}

/** What the icons' licences are: one line for each set, with its package, title, author and SPDX identifier. */
export function iconLicences(): string {
  const lines = ICON_SETS.map(
    (pin) => `${packageName(pin)} ${pin.version}: ${pin.title} by ${pin.author}, ${pin.license}`,
  );
  return `${lines.join("\n")}\n`;
}

function withLicences(dataset: Dataset, folder: string): Dataset {
  const kinds = [...new Set(ICON_SETS.map((pin) => pin.license))].sort().join(", ");
  return {
    ...dataset,
    further: [styles(dataset)],
    notes: [...dataset.notes, `licences (${kinds}): ${join(folder, "LICENCES.txt")}`],
  };
}

/** The label `style`: the set that each icon is from, which its name begins with. */
function styles({ sampleNames }: Dataset): FurtherLabel {
  return furtherLabel(
    "style",
    sampleNames.map((name) => name.slice(0, name.indexOf("/"))),
  );
}

/** Where the finished data set of a size is kept: its name holds a hash of all that it depends on. */
export function iconSetFolder(size: number, cacheDirectory: string): string {
  const inputs = JSON.stringify([BUILD_VERSION, LEAST_ICONS, size, ICON_SETS]);
  const key = createHash("sha256").update(inputs).digest("hex").slice(0, 16);
  return join(cacheDirectory, "icon-sets", `${size}x${size}-${key}`);
}

/** Removes what interrupted runs left behind: unfinished folders that nobody has written to for a day. */
function removeStale(home: string): void {
  try {
    mkdirSync(join(home, "packages"), { recursive: true });
    for (const folder of [home, join(home, "packages")]) {
      for (const name of readdirSync(folder)) {
        if (!name.startsWith("partial-")) continue;
        const path = join(folder, name);
        const age = Date.now() - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
        if (age > STALE_MILLISECONDS) rmSync(path, { recursive: true, force: true });
      }
    }
  } catch (error) {
    throw cacheError(home, error);
  }
}
