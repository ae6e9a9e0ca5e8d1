/** Verifies a wheel and unpacks what is kept of it. Called by the installation; writes below the folder it is given. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { RunError } from "../../runtime/errors.ts";
import { diskError } from "./folders.ts";
import type { WheelPin } from "./pins.ts";
import { interrupted } from "./process.ts";
import { unpackEntry, zipEntries } from "./zip.ts";

/** The sha256 of a file, in hex. */
export async function sha256Of(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, { signal });
  return hash.digest("hex");
}

/** Throws `RunError` unless the file at `path` is the pinned wheel. */
export async function verifyWheel(path: string, wheel: WheelPin, signal: AbortSignal): Promise<void> {
  const sum = await uninterrupted(signal, sha256Of(path, signal));
  if (sum === wheel.sha256) return;
  throw new RunError(
    `${wheel.file} is not the pinned wheel: its sha256 is ${sum}, and ${wheel.sha256} is expected`,
    "Nothing was installed. Check which index or mirror pip uses (pip config list), and run again.",
  );
}

/**
 * Unpacks the kept files of a verified wheel below `folder`, under their paths in the wheel; answers those paths.
 * `onBytes` is told of each part written.
 */
export async function unpackWheel(
  path: string,
  wheel: WheelPin,
  folder: string,
  onBytes: (count: number) => void,
  signal: AbortSignal,
): Promise<string[]> {
  const entries = (await zipEntries(path)).filter(
    ({ name }) => wheel.keep.test(name) && !name.endsWith("/") && !name.split("/").includes(".."),
  );
  for (const entry of entries) {
    try {
      await uninterrupted(signal, unpackEntry(path, entry, join(folder, entry.name), onBytes, signal));
    } catch (error) {
      throw diskError(folder, error);
    }
  }
  return entries.map(({ name }) => name);
}

async function uninterrupted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw signal.aborted ? interrupted() : error;
  }
}
