/**
 * Brings the pinned icon packages into the cache, through the user's own npm (so that its registry, proxy and
 * credentials apply), with scripts off. Called by the builder of the icon data set. Touches its cache folder and
 * runs npm; nothing is installed anywhere.
 *
 * A package counts only once its tarball has the pinned integrity. Tarballs arrive in a folder of this process and are
 * moved into the cache one by one, so that an interrupted run loses only what it had not finished and runs side by
 * side do not disturb each other.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { integrityOf, npmFailure, PACK_FLAGS, spawnNpm, tarFiles } from "../npm.ts";
import type { RunNpm } from "../npm.ts";
import { cacheError } from "./cache_directory.ts";
import { DataError, systemCode } from "./errors.ts";
import type { IconSetJson } from "./icon_concepts.ts";
import type { PinnedIconSet } from "./icon_sets_manifest.ts";

/** npm processes at once: one alone fetches its packages one after the other. */
const PROCESSES = 4;
const POLL_MILLISECONDS = 200;

/**
 * Returns the sets as parsed from the cached tarballs, in the order of `pins`; fetches those that are missing.
 * Throws `DataError` where npm is missing, there is no network, the disk is full or a tarball is not the pinned one.
 */
export async function fetchIconSets(
  pins: readonly PinnedIconSet[],
  cacheDirectory: string,
  progress: (done: number, total: number) => void,
  runNpm: RunNpm = npm,
): Promise<IconSetJson[]> {
  const packages = join(cacheDirectory, "packages");
  const missing = pins.filter((pin) => !isCached(join(packages, cachedName(pin)), pin));
  if (missing.length > 0) {
    const scratch = makeScratch(packages);
    try {
      await packAll(
        missing,
        scratch,
        (done) => progress(pins.length - missing.length + done, pins.length),
        runNpm,
      );
      keepVerified(missing, scratch, packages);
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }
  return pins.map((pin) => readIcons(join(packages, cachedName(pin)), pin));
}

export function packageName(pin: PinnedIconSet): string {
  return `@iconify-json/${pin.set}`;
}

function cachedName(pin: PinnedIconSet): string {
  return `${pin.set}-${pin.version}.tgz`;
}

function makeScratch(packages: string): string {
  try {
    mkdirSync(packages, { recursive: true });
    return mkdtempSync(join(packages, "partial-"));
  } catch (error) {
    throw cacheError(packages, error);
  }
}

function isCached(file: string, pin: PinnedIconSet): boolean {
  try {
    return integrityOf(readFileSync(file)) === pin.integrity;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw cacheError(file, error);
  }
}

/** Runs `npm pack` for all packages, split over a few processes, each in its own folder below `scratch`. */
async function packAll(
  pins: readonly PinnedIconSet[],
  scratch: string,
  progress: (done: number) => void,
  runNpm: RunNpm,
): Promise<void> {
  const shares = Array.from({ length: Math.min(PROCESSES, pins.length) }, (_, share) => ({
    directory: join(scratch, String(share)),
    pins: pins.filter((_, index) => index % PROCESSES === share),
  }));
  for (const { directory } of shares) mkdirSync(directory);
  progress(0);
  const timer = setInterval(() => progress(tarballs(scratch).length), POLL_MILLISECONDS);
  try {
    const results = await Promise.all(
      shares.map((share) => {
        const specs = share.pins.map((pin) => `${packageName(pin)}@${pin.version}`);
        return runNpm(["pack", ...PACK_FLAGS, ...specs], share.directory);
      }),
    );
    const failed = results.find((result) => result.code !== 0);
    if (failed !== undefined) throw npmError(failed.errors);
  } finally {
    clearInterval(timer);
  }
  progress(pins.length);
}

function tarballs(scratch: string): string[] {
  return readdirSync(scratch, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".tgz"))
    .map((name) => join(scratch, name));
}

/** Moves the tarballs that have a pinned integrity into the cache; throws if a package is without one. */
function keepVerified(pins: readonly PinnedIconSet[], scratch: string, packages: string): void {
  const fileOf = new Map(tarballs(scratch).map((file) => [integrityOf(readFileSync(file)), file]));
  const wrong: string[] = [];
  for (const pin of pins) {
    const file = fileOf.get(pin.integrity);
    if (file === undefined) {
      wrong.push(`${packageName(pin)}@${pin.version}`);
      continue;
    }
    try {
      renameSync(file, join(packages, cachedName(pin)));
    } catch (error) {
      throw cacheError(packages, error);
    }
  }
  if (wrong.length > 0) {
    throw new DataError(
      `what npm fetched for ${wrong.join(", ")} is not the pinned package: its integrity differs`,
      "Nothing of it was kept. Check which registry or mirror npm uses (npm config get registry), clear npm's cache " +
        "(npm cache clean --force) and run again.",
    );
  }
}

/** The error for what npm printed: its `npm error code …` line says which. */
function npmError(errors: string): DataError {
  const { code, said, kind } = npmFailure(errors);
  const message = `npm could not fetch the icon packages${code === "" ? "" : ` (${code})`}${said === "" ? "" : `: ${said}`}`;
  if (kind === "offline") {
    return new DataError(
      message,
      "The icon data set is fetched once, at first use. Connect to the network, or set npm's registry and proxy " +
        "(npm config set registry …, npm config set proxy …), and run again.",
    );
  }
  if (kind === "disk") {
    return new DataError(message, "The disk is full. Free some space (about 40 MB) and run again.");
  }
  if (kind === "permission") {
    return new DataError(
      message,
      "Check that you may write to npm's cache (npm config get cache), and run again.",
    );
  }
  if (kind === "refused") {
    return new DataError(
      message,
      "The registry that npm uses does not offer these packages to you. Check npm config get registry, log in if it " +
        "asks for it, and run again.",
    );
  }
  if (kind === "integrity") {
    return new DataError(message, "Clear npm's cache (npm cache clean --force) and run again.");
  }
  return new DataError(message, "Try npm pack @iconify-json/lucide by hand: it shows what npm lacks.");
}

const npm: RunNpm = async (args, directory) => {
  try {
    return await spawnNpm()(args, directory);
  } catch (error) {
    throw new DataError(
      `cannot run npm: ${(error as Error).message}`,
      "The icon data set is fetched through npm, once. Install Node.js with npm, or put npm on the PATH.",
      { cause: error },
    );
  }
};

/** `package/icons.json` of a tarball, parsed. */
function readIcons(file: string, pin: PinnedIconSet): IconSetJson {
  const json = tarEntry(gunzipSync(readFileSync(file)), "package/icons.json");
  if (json === undefined) {
    throw new DataError(
      `${packageName(pin)}@${pin.version} holds no icons.json`,
      "The pinned package is not an icon set: report it.",
    );
  }
  return JSON.parse(json) as IconSetJson;
}

/** The text of one file of a tar archive. */
export function tarEntry(archive: Buffer, name: string): string | undefined {
  for (const file of tarFiles(archive)) if (file.name === name) return file.content.toString("utf8");
  return undefined;
}
