/** Where things are on the user's machine when nobody says otherwise. Called by the entries of a run. */
export { defaultCacheDirectory } from "./data/cache_directory.ts";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** The nearest folder from `directory` upward that has a package.json, else `directory` itself. */
export function findProjectRoot(directory: string): string {
  const start = resolve(directory);
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return folder;
    if (dirname(folder) === folder) return start;
  }
}
