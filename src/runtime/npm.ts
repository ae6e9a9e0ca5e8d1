/**
 * The user's own npm, so that its registry, proxy and credentials apply: how it is run for `npm pack`, what its errors
 * mean, and what is in the tarballs it brings. Called by what fetches pinned packages (the icon data set, the native
 * engine); runs npm, touches no disk itself.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";

/** How npm is run: its arguments and working directory; resolves to the exit code and what it printed as errors. */
export type RunNpm = (
  args: readonly string[],
  directory: string,
) => Promise<{ code: number; errors: string }>;

/** Flags of `npm pack` that bring tarballs into the working directory and run nothing. */
export const PACK_FLAGS: readonly string[] = [
  "--ignore-scripts",
  "--pack-destination=.",
  "--dry-run=false",
  "--loglevel=error",
  "--fetch-retry-mintimeout=1000",
  "--fetch-retry-maxtimeout=5000",
];

export interface SpawnOptions {
  readonly environment?: NodeJS.ProcessEnv;
  /** Ends npm when it is aborted. */
  readonly signal?: AbortSignal;
}

/** Runs npm as a process. Rejects with the system's error where there is no npm. */
export function spawnNpm({ environment = process.env, signal }: SpawnOptions = {}): RunNpm {
  return (args, directory) =>
    new Promise((resolve, reject) => {
      // On Windows npm is a script that only a shell runs; the arguments hold no character that a shell reads.
      const npm = spawn("npm", [...args], {
        cwd: directory,
        env: environment,
        shell: process.platform === "win32",
        stdio: ["ignore", "ignore", "pipe"],
        ...(signal === undefined ? {} : { signal }),
      });
      let errors = "";
      npm.stderr.setEncoding("utf8").on("data", (text: string) => {
        errors += text;
      });
      npm.on("error", reject);
      npm.on("close", (code) => resolve({ code: code ?? 1, errors }));
    });
}

export type NpmFailure = "offline" | "disk" | "permission" | "refused" | "integrity" | "other";

/** What npm's errors say: its code, what it printed, and which kind of failure that is. */
export function npmFailure(errors: string): { code: string; said: string; kind: NpmFailure } {
  const code = /^npm (?:error|ERR!) code (\S+)/m.exec(errors)?.[1] ?? "";
  const said =
    errors
      .split("\n")
      .filter((line) => /^npm (?:error|ERR!)/.test(line) && !/ code | errno | syscall /.test(line))
      .map((line) => line.replace(/^npm (?:error|ERR!) ?/, "").trim())
      .find((line) => line !== "") ?? "";
  const kind = Object.entries(KINDS).find(([, codes]) => codes.split(" ").includes(code))?.[0] ?? "other";
  return { code, said, kind: kind as NpmFailure };
}

const KINDS: Readonly<Record<Exclude<NpmFailure, "other">, string>> = {
  offline:
    "EAI_AGAIN ENOTFOUND ECONNREFUSED ECONNRESET ETIMEDOUT ENETUNREACH EHOSTUNREACH ENOTCACHED EIDLETIMEOUT " +
    "ERR_SOCKET_TIMEOUT FETCH_ERROR CERT_HAS_EXPIRED SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  disk: "ENOSPC EDQUOT",
  permission: "EACCES EPERM EROFS",
  refused: "E404 ETARGET E401 E403",
  integrity: "EINTEGRITY",
};

/** A tarball's integrity, as npm writes it. */
export function integrityOf(bytes: Uint8Array): string {
  return `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
}

/** The files of a tar archive: 512-byte headers (name at 0, octal size at 124), contents padded to 512. */
export function* tarFiles(archive: Buffer): Generator<{ name: string; content: Buffer }> {
  for (let at = 0; at + 512 <= archive.length;) {
    const field = (from: number, length: number): string =>
      archive.toString("utf8", at + from, at + from + length).replace(/\0.*$/s, "");
    const title = field(0, 100);
    if (title === "") return;
    // The part of a long name that does not fit: ustar's prefix.
    const prefix = field(257, 5) === "ustar" ? field(345, 155) : "";
    const size = Number.parseInt(archive.toString("latin1", at + 124, at + 136), 8);
    yield {
      name: prefix === "" ? title : `${prefix}/${title}`,
      content: archive.subarray(at + 512, at + 512 + size),
    };
    at += 512 + Math.ceil(size / 512) * 512;
  }
}
