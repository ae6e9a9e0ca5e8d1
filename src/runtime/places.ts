/** Where things are on the user's machine when nobody says otherwise. Called by the entries of a run. */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";

/**
 * The per-user cache: `DMLC_CACHE` if set, else `dmlc` in the platform's folder for caches (`XDG_CACHE_HOME` or
 * `~/.cache`; `~/Library/Caches` on macOS; `LOCALAPPDATA` on Windows).
 */
export function defaultCacheDirectory(
  env: Readonly<Record<string, string | undefined>> = process.env,
  platform: NodeJS.Platform = process.platform,
): string {
  if (env["DMLC_CACHE"]) return resolve(env["DMLC_CACHE"]);
  if (platform === "win32" && env["LOCALAPPDATA"]) return join(env["LOCALAPPDATA"], "dmlc");
  if (platform === "darwin") return join(homedir(), "Library", "Caches", "dmlc");
  return join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "dmlc");
}

/** The nearest folder from `directory` upward that has a package.json, else `directory` itself. */
export function findProjectRoot(directory: string): string {
  const start = resolve(directory);
  for (let folder = start; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return folder;
    if (dirname(folder) === folder) return start;
  }
}
