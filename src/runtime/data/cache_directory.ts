/**
 * Where data that is built once is kept, for each user, and the error for a cache that cannot be written. Called by
 * the command line and by the icon data set; reads environment variables, touches no disk.
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { DataError, systemCode } from "./errors.ts";

/**
 * `DMLC_CACHE` if set; else the platform's cache folder and `dmlc`: `XDG_CACHE_HOME` or `~/.cache`,
 * `~/Library/Caches` on macOS, `LOCALAPPDATA` on Windows.
 */
export function defaultCacheDirectory(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  platform: string = process.platform,
  home: string = homedir(),
): string {
  const given = (name: string): string | undefined => environment[name] || undefined;
  const own = given("DMLC_CACHE");
  if (own !== undefined) return own;
  if (platform === "darwin") return join(home, "Library", "Caches", "dmlc");
  if (platform === "win32")
    return join(given("LOCALAPPDATA") ?? join(home, "AppData", "Local"), "dmlc", "Cache");
  return join(given("XDG_CACHE_HOME") ?? join(home, ".cache"), "dmlc");
}

/** The error for a file system error below the cache. */
export function cacheError(path: string, error: unknown): DataError {
  const code = systemCode(error);
  const said = error instanceof Error ? error.message : String(error);
  const message = `cannot write the data cache at ${path}: ${said}`;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new DataError(
      message,
      "The disk is full. Free some space (about 40 MB), or name another folder in DMLC_CACHE.",
      {
        cause: error,
      },
    );
  }
  return new DataError(
    message,
    "Name a folder that you may write to in the environment variable DMLC_CACHE.",
    {
      cause: error,
    },
  );
}
