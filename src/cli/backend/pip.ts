/**
 * Brings pinned wheels through the user's own pip, so that its index, mirrors and proxies apply. Called by the
 * installation; runs pip, which writes below the folder it is given. Nothing is installed into any Python.
 */
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { RunError } from "../../runtime/errors.ts";
import { fullDisk } from "./folders.ts";
import type { WheelPin } from "./pins.ts";
import { runTool } from "./process.ts";
import type { ToolOptions } from "./process.ts";

/** A command that is pip, in words. */
export type Pip = readonly [string, ...string[]];

const CANDIDATES: readonly Pip[] = [["python3", "-m", "pip"], ["python", "-m", "pip"], ["pip3"], ["pip"]];
const POLL_MILLISECONDS = 250;

/** The first pip there is, or `undefined`. */
export async function findPip(options: ToolOptions): Promise<Pip | undefined> {
  for (const pip of CANDIDATES) {
    const [command, ...args] = pip;
    const result = await runTool(command, [...args, "--version"], options);
    if (result?.code === 0 && result.out.startsWith("pip ")) return pip;
  }
  return undefined;
}

/** The error where there is no pip, with the way around it. */
export function withoutPip(wheels: readonly WheelPin[]): RunError {
  return new RunError(
    "there is no pip, through which the engine's parts are fetched",
    "Install Python 3 with pip (Debian, Ubuntu: apt-get install python3-pip; Fedora: dnf install python3-pip), whose " +
      "version does not matter; or bring these files from the Python package index by other means and name each in " +
      `a --wheel option: ${wheels.map(({ file, sha256 }) => `${file} (sha256 ${sha256})`).join(", ")}.`,
  );
}

/**
 * Fetches one wheel into a new folder `folder` and answers its path. `onBytes` is told now and then how many bytes are
 * there. The wheel is not verified here.
 *
 * @throws RunError where pip fails, with what it said and what to do; RunInterrupted.
 */
export async function fetchWheel(
  pip: Pip,
  wheel: WheelPin,
  folder: string,
  options: ToolOptions,
  onBytes: (bytes: number) => void,
): Promise<string> {
  const temporary = join(folder, "temporary");
  mkdirSync(temporary, { recursive: true });
  const [command, ...args] = pip;
  const timer = setInterval(() => onBytes(Math.min(bytesBelow(folder), wheel.size)), POLL_MILLISECONDS);
  try {
    const result = await runTool(command, [...args, ...downloadArguments(wheel, folder)], {
      ...options,
      // pip's own temporary files are to lie on the disk that was checked, and go when the folder goes.
      // Nothing is installed: a user's rule that pip works in virtual environments only is not touched.
      environment: { ...options.environment, TMPDIR: temporary, PIP_REQUIRE_VIRTUALENV: "0" },
    });
    if (result === undefined || result.code !== 0) throw pipError(wheel, result?.errors ?? "", folder);
  } finally {
    clearInterval(timer);
  }
  const path = join(folder, wheel.file);
  if (existsSync(path)) return path;
  const found = readdirSync(folder).find((name) => name.endsWith(".whl"));
  throw new RunError(
    `pip fetched ${found ?? "nothing"}, not ${wheel.file}`,
    "Nothing was installed. Check which index or mirror pip uses (pip config list), and run again.",
  );
}

function downloadArguments(wheel: WheelPin, folder: string): string[] {
  return [
    "download",
    "--no-deps",
    "--only-binary=:all:",
    `--platform=${wheel.platform}`,
    "--python-version=3.11",
    "--implementation=cp",
    "--no-cache-dir",
    "--no-input",
    "--disable-pip-version-check",
    "--progress-bar=off",
    "--retries=2",
    `--dest=${folder}`,
    `${wheel.project}==${wheel.version}`,
  ];
}

function bytesBelow(folder: string): number {
  let bytes = 0;
  try {
    for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
      const stats = statSync(join(folder, name), { throwIfNoEntry: false });
      if (stats?.isFile() === true) bytes += stats.size;
    }
  } catch {
    // pip moves its files while they are counted: the count of next time will do.
  }
  return bytes;
}

function pipError(wheel: WheelPin, errors: string, folder: string): RunError {
  if (/No space left on device|Errno 28\b|Errno 122\b|Disk quota/i.test(errors)) return fullDisk(folder);
  const lines = errors.split("\n").map((line) => line.trim());
  // The last error says what became of it, a warning before it often why.
  const said = [
    lines.findLast((line) => /^(ERROR|error):/.test(line)),
    lines.find((line) => line.startsWith("WARNING:")),
  ].flatMap((line) => (line === undefined ? [] : [line.replace(/^[A-Za-z]+:\s*/, "")]));
  const message = `pip could not fetch ${wheel.project} ${wheel.version}${said.map((line) => `: ${line}`).join("")}`;
  if (OFFLINE.test(errors)) {
    return new RunError(
      message,
      "Nothing was installed. Connect to the network, or set pip's index and proxy (pip config set global.index-url …, " +
        "pip config set global.proxy …), and run again.",
    );
  }
  return new RunError(
    message,
    "Nothing was installed. Check that pip is 20.3 or later (pip --version) and which index it uses (pip config list); " +
      `pip download --no-deps ${wheel.project}==${wheel.version} by hand shows more.`,
  );
}

const OFFLINE =
  /name resolution|Name or service not known|nodename nor servname|getaddrinfo failed|NewConnectionError|ConnectTimeout|ReadTimeout|ConnectionReset|ProxyError|Max retries exceeded|Connection refused|Network is unreachable|timed out|CERTIFICATE_VERIFY_FAILED|SSLError/i;
