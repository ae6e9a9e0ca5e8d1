/**
 * Brings the pinned icon packages into the cache, through the user's own npm (so that its registry, proxy and
 * credentials apply), with scripts off. Called by the builder of the icon data set. Touches its cache folder and
 * runs npm; nothing is installed anywhere.
 *
 * A package counts only once its tarball has the pinned integrity. Tarballs arrive in a folder of this process and are
 * moved into the cache one by one, so that an interrupted run loses only what it had not finished and runs side by
 * side do not disturb each other.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { cacheError } from "./cache_directory.ts";
import { DataError, systemCode } from "./errors.ts";
import type { IconSetJson } from "./icon_concepts.ts";
import type { PinnedIconSet } from "./icon_sets_manifest.ts";

/** npm processes at once: one alone fetches its packages one after the other. */
const PROCESSES = 4;
const POLL_MILLISECONDS = 200;

/** How npm is run: its arguments and working directory; resolves to the exit code and what it printed as errors. */
export type RunNpm = (
  args: readonly string[],
  directory: string,
) => Promise<{ code: number; errors: string }>;

/**
 * Returns the sets as parsed from the cached tarballs, in the order of `pins`; fetches those that are missing.
 * Throws `DataError` where npm is missing, there is no network, the disk is full or a tarball is not the pinned one.
 */
export async function fetchIconSets(
  pins: readonly PinnedIconSet[],
  cacheDirectory: string,
  progress: (done: number, total: number) => void,
  runNpm: RunNpm = spawnNpm,
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

function integrityOf(bytes: Uint8Array): string {
  return `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
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
        return runNpm(["pack", ...NPM_FLAGS, ...specs], share.directory);
      }),
    );
    const failed = results.find((result) => result.code !== 0);
    if (failed !== undefined) throw npmError(failed.errors);
  } finally {
    clearInterval(timer);
  }
  progress(pins.length);
}

const NPM_FLAGS: readonly string[] = [
  "--ignore-scripts",
  "--pack-destination=.",
  "--dry-run=false",
  "--loglevel=error",
  "--fetch-retry-mintimeout=1000",
  "--fetch-retry-maxtimeout=5000",
];

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
  const code = /^npm (?:error|ERR!) code (\S+)/m.exec(errors)?.[1] ?? "";
  const said =
    errors
      .split("\n")
      .filter((line) => /^npm (?:error|ERR!)/.test(line) && !/ code | errno | syscall /.test(line))
      .map((line) => line.replace(/^npm (?:error|ERR!) ?/, "").trim())
      .find((line) => line !== "") ?? "";
  const message = `npm could not fetch the icon packages${code === "" ? "" : ` (${code})`}${said === "" ? "" : `: ${said}`}`;
  if (OFFLINE_CODES.has(code)) {
    return new DataError(
      message,
      "The icon data set is fetched once, at first use. Connect to the network, or set npm's registry and proxy " +
        "(npm config set registry …, npm config set proxy …), and run again.",
    );
  }
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new DataError(message, "The disk is full. Free some space (about 40 MB) and run again.");
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new DataError(
      message,
      "Check that you may write to npm's cache (npm config get cache), and run again.",
    );
  }
  if (code === "E404" || code === "ETARGET" || code === "E401" || code === "E403") {
    return new DataError(
      message,
      "The registry that npm uses does not offer these packages to you. Check npm config get registry, log in if it " +
        "asks for it, and run again.",
    );
  }
  if (code === "EINTEGRITY") {
    return new DataError(message, "Clear npm's cache (npm cache clean --force) and run again.");
  }
  return new DataError(message, "Try npm pack @iconify-json/lucide by hand: it shows what npm lacks.");
}

const OFFLINE_CODES: ReadonlySet<string> = new Set(
  (
    "EAI_AGAIN ENOTFOUND ECONNREFUSED ECONNRESET ETIMEDOUT ENETUNREACH EHOSTUNREACH ENOTCACHED EIDLETIMEOUT " +
    "ERR_SOCKET_TIMEOUT FETCH_ERROR CERT_HAS_EXPIRED SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_VERIFY_LEAF_SIGNATURE"
  ).split(" "),
);

const spawnNpm: RunNpm = (args, directory) =>
  new Promise((resolve, reject) => {
    // On Windows npm is a script that only a shell runs; the arguments hold no character that a shell reads.
    const npm = spawn("npm", [...args], {
      cwd: directory,
      shell: process.platform === "win32",
      stdio: ["ignore", "ignore", "pipe"],
    });
    let errors = "";
    npm.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    npm.on("error", (error) => {
      reject(
        new DataError(
          `cannot run npm: ${error.message}`,
          "The icon data set is fetched through npm, once. Install Node.js with npm, or put npm on the PATH.",
          { cause: error },
        ),
      );
    });
    npm.on("close", (code) => resolve({ code: code ?? 1, errors }));
  });

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

/** The text of one file of a tar archive: 512-byte headers (name at 0, octal size at 124), contents padded to 512. */
export function tarEntry(archive: Buffer, name: string): string | undefined {
  for (let at = 0; at + 512 <= archive.length;) {
    const title = archive.toString("utf8", at, at + 100).replace(/\0.*$/s, "");
    if (title === "") return undefined;
    const size = Number.parseInt(archive.toString("latin1", at + 124, at + 136), 8);
    if (title === name) return archive.toString("utf8", at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return undefined;
}
