/**
 * How a folder of the cache comes about in one piece: it is put together in a folder of this process beside its place
 * and moved there at the end. Called by the installations; touches the folder it is given and nothing else.
 *
 * What a process that was killed has left behind is removed by the next installation, what a living one is working on
 * is not: a partial folder is named by host and process.
 */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statfsSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { systemCode } from "../../runtime/data/errors.ts";
import { RunError } from "../../runtime/errors.ts";

const PARTIAL = ".partial-";
/** A partial folder of another host is a leftover once it is this old. */
const OLD_MILLISECONDS = 24 * 60 * 60 * 1000;

const ownHost = hostname().replace(/[^A-Za-z0-9.]/g, "_");

/** Makes an empty partial folder beside `target`, after removing leftovers there. */
export function partialFolder(target: string): string {
  const parent = dirname(target);
  return onDisk(parent, () => {
    mkdirSync(parent, { recursive: true });
    removeLeftovers(parent);
    return mkdtempSync(join(parent, `${PARTIAL}${ownHost}-${process.pid}-`));
  });
}

/** Removes the partial folders in `parent` whose makers are gone. */
export function removeLeftovers(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (name.startsWith(PARTIAL) && isLeftover(join(parent, name))) {
      rmSync(join(parent, name), { recursive: true, force: true });
    }
  }
}

function isLeftover(path: string): boolean {
  const [, host, pid] = /^\.partial-([^-]*)-(\d+)-/.exec(basename(path)) ?? [];
  if (host === ownHost) return !isRunning(Number(pid));
  try {
    return Date.now() - statSync(path).mtimeMs > OLD_MILLISECONDS;
  } catch {
    return false;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === "EPERM";
  }
}

/**
 * Moves a finished folder to its place. If another process has put one there meanwhile that `isGood`, that one stays
 * and this one is removed; one that is not good makes way.
 */
export function publish(partial: string, target: string, isGood: (folder: string) => boolean): void {
  onDisk(target, () => {
    if (moved(partial, target)) return;
    if (!isGood(target)) {
      const old = mkdtempSync(join(dirname(target), `${PARTIAL}${ownHost}-${process.pid}-`));
      renameSync(target, join(old, "old"));
      const done = moved(partial, target);
      rmSync(old, { recursive: true, force: true });
      if (done) return;
    }
    rmSync(partial, { recursive: true, force: true });
  });
}

/** Renames; false if something is there already. */
function moved(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(systemCode(error) ?? "")) return false;
    throw error;
  }
}

/** Bytes that this user may still write in the file system of `folder` or the nearest folder above that exists. */
export function freeBytes(folder: string): number {
  for (let at = folder; ; at = dirname(at)) {
    try {
      const { bavail, bsize } = statfsSync(at);
      return bavail * bsize;
    } catch (error) {
      if (systemCode(error) !== "ENOENT" || dirname(at) === at) return Number.POSITIVE_INFINITY;
    }
  }
}

/** Does `work` on the cache; a failure of the file system becomes an error that says what to do. */
export function onDisk<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw diskError(path, error);
  }
}

/** The error for a failure of the file system below the cache; any other error as it is. */
export function diskError(path: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === undefined || error instanceof RunError) return error;
  if (code === "ENOSPC" || code === "EDQUOT") return fullDisk(path, { cause: error });
  if (!["EACCES", "EPERM", "EROFS", "ENOTDIR"].includes(code)) return error;
  return new RunError(
    `cannot write the cache at ${path}: ${(error as Error).message}`,
    "Name a folder that you may write to in the environment variable DMLC_CACHE.",
    { cause: error },
  );
}

export function fullDisk(path: string, options?: { cause: unknown }): RunError {
  return new RunError(
    `the disk is full at ${path}`,
    "Nothing was installed. Free some space, or name a folder on another disk in the environment variable DMLC_CACHE.",
    options,
  );
}
