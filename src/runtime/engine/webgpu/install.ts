/**
 * What the `webgpu` engine is made of: two packages of npm's registry, with pinned versions and integrities. They are
 * optional peers of this package and never installed with it; `dmlc backend install webgpu` brings them into the
 * per-user cache. Data only; read by `locate.ts` and by whatever installs.
 */

/** A package as npm's registry has it. */
export interface PinnedPackage {
  readonly name: string;
  readonly version: string;
  /** Subresource integrity of the tarball. */
  readonly integrity: string;
  /** Size of the tarball in bytes. */
  readonly bytes: number;
  /** What is kept of it: files and folders below the package's root. */
  readonly keep: readonly string[];
}

/** Folder of Dawn's build for a platform, as the package names it; undefined where it has none. */
export function dawnFolder(
  platform: string = process.platform,
  arch: string = process.arch,
): string | undefined {
  const name = `${platform}-${platform === "darwin" ? "universal" : arch}`;
  return ["linux-x64", "linux-arm64", "darwin-universal", "win32-x64", "win32-arm64"].includes(name)
    ? name
    : undefined;
}

/** Dawn for Node: builds for all platforms are in the one tarball. */
export const dawnPackage: PinnedPackage = {
  name: "webgpu",
  version: "0.6.2",
  integrity:
    "sha512-3L4GfmqJLvYUIEWJngEQY+2HQiUlAFkg8+P8NDDj3Xx5hHHIFO/r8JW+ynfqBj7kHN4mbnwO74uB+lrRtLhp4Q==",
  bytes: 51_264_151,
  keep: ["package.json", "LICENSE.md", "index.js", `dist/${dawnFolder() ?? ""}`],
};

/** tfjs's kernels for WebGPU. Its one dependency, tfjs's cpu backend, is for browsers' bundlers: the Node build holds it. */
export const backendPackage: PinnedPackage = {
  name: "@tensorflow/tfjs-backend-webgpu",
  version: "4.22.0",
  integrity:
    "sha512-lvIc7Af4Tl2BCdYp43iQmSCRq3asaKT0q2xaErphXiUZ+jqeB0bQa0ZvQys1Xatvto0U4/c90DVsHPfvkn5ftg==",
  bytes: 2_979_748,
  keep: ["package.json", "dist/tf-backend-webgpu.node.js"],
};

/** Everything `dmlc backend install webgpu` brings. */
export const webgpuPackages: readonly PinnedPackage[] = [dawnPackage, backendPackage];

/** Folder of the engine below the cache: another version lives in another folder. */
export const webgpuFolder = `engines/webgpu-${dawnPackage.version}-${backendPackage.version}`;

/** The command that installs the engine, for messages. */
export const installCommand = "dmlc backend install webgpu";
