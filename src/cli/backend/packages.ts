/**
 * Brings pinned npm packages through the user's own npm, with scripts off, and unpacks what is kept of them. Called by
 * the installations; writes below the folders it is given.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import { RunError } from "../../runtime/errors.ts";
import { integrityOf, npmFailure, PACK_FLAGS, spawnNpm, tarFiles } from "../../runtime/npm.ts";
import { diskError, fullDisk } from "./folders.ts";
import { interrupted } from "./process.ts";
import type { ToolOptions } from "./process.ts";

/** A package as it is asked for and verified. */
export interface PackageSource {
  readonly name: string;
  readonly version: string;
  /** Subresource integrity of the tarball. */
  readonly integrity: string;
}

/**
 * Fetches packages into a new folder below `scratch`; answers each one's tarball, by name.
 *
 * @throws RunError where npm is missing or fails, or a tarball is not the pinned one; RunInterrupted.
 */
export async function fetchPackages(
  pins: readonly PackageSource[],
  scratch: string,
  { environment, signal }: ToolOptions,
): Promise<ReadonlyMap<string, Buffer>> {
  const folder = join(scratch, "npm");
  mkdirSync(folder);
  const specs = pins.map(({ name, version }) => `${name}@${version}`);
  let result: { code: number; errors: string };
  try {
    result = await spawnNpm({ environment, signal })(["pack", ...PACK_FLAGS, ...specs], folder);
  } catch (error) {
    if (signal.aborted) throw interrupted();
    throw new RunError(
      `cannot run npm: ${(error as Error).message}`,
      "Install Node.js with npm, or put npm on the PATH.",
      { cause: error },
    );
  }
  if (signal.aborted) throw interrupted();
  if (result.code !== 0) throw npmError(result.errors, scratch);
  const tarballs = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
  rmSync(folder, { recursive: true });
  const byIntegrity = new Map(tarballs.map((bytes) => [integrityOf(bytes), bytes]));
  const wrong = pins.filter(({ integrity }) => !byIntegrity.has(integrity));
  if (wrong.length > 0) {
    throw new RunError(
      `what npm fetched for ${wrong.map(({ name, version }) => `${name}@${version}`).join(", ")} is not the pinned ` +
        "package: its integrity differs",
      "Nothing was installed. Check which registry or mirror npm uses (npm config get registry), clear npm's cache " +
        "(npm cache clean --force) and run again.",
    );
  }
  return new Map(pins.map(({ name, integrity }) => [name, byIntegrity.get(integrity)!]));
}

/** Writes the files of a tarball that are kept into `folder`; paths are those below the package's root. */
export function unpackPackage(tarball: Buffer, keeps: (path: string) => boolean, folder: string): void {
  try {
    for (const { name, content } of tarFiles(gunzipSync(tarball))) {
      const path = name.slice(name.indexOf("/") + 1);
      if (name.endsWith("/") || path.split("/").includes("..") || !keeps(path)) continue;
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
  } catch (error) {
    throw diskError(folder, error);
  }
}

function npmError(errors: string, scratch: string): RunError {
  const { code, said, kind } = npmFailure(errors);
  if (kind === "disk") return fullDisk(scratch);
  const message = `npm could not fetch its part${code === "" ? "" : ` (${code})`}${said === "" ? "" : `: ${said}`}`;
  return new RunError(message, `Nothing was installed. ${HELP[kind]}`);
}

const HELP = {
  offline:
    "Connect to the network, or set npm's registry and proxy (npm config set registry …, npm config set proxy …), " +
    "and run again.",
  permission: "Check that you may write to npm's cache (npm config get cache), and run again.",
  refused:
    "The registry that npm uses does not offer these packages to you. Check npm config get registry, log in if it " +
    "asks for it, and run again.",
  integrity: "Clear npm's cache (npm cache clean --force) and run again.",
  other: "Try npm pack node-api-headers by hand: it shows what npm lacks.",
} as const;
