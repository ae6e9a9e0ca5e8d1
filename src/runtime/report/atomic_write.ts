/**
 * Files that are either whole or not there: written beside their place under another name, then renamed. Used by every
 * writer of `report/`. Touches the disk.
 */
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Writes a file atomically, creating its directory. An existing file is replaced at once or, on any error, left as
 * it was.
 *
 * @throws an error that names the path and the remedy: disk full, quota, not permitted, path taken by a directory.
 */
export async function writeFileAtomic(path: string, contents: Uint8Array | string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, "w");
    try {
      await file.writeFile(contents);
      // Before the rename: otherwise a crash may leave the new name with no contents.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw explained(error, path, contents.length);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; free some space or write elsewhere",
  EDQUOT: "the disk quota is used up; free some space or write elsewhere",
  EACCES: "no permission to write there",
  EPERM: "no permission to write there",
  EROFS: "the file system is read-only",
  EISDIR: "a directory has that name",
  ENOTDIR: "a part of the path is a file, not a directory",
};

function explained(error: unknown, path: string, size: number): Error {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  const reason = REASONS[code] ?? (error instanceof Error ? error.message : String(error));
  return new Error(`cannot write ${path} (${size} bytes): ${reason}`, { cause: error });
}
