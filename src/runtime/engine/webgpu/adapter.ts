/**
 * Asks Dawn for an adapter (a GPU and its driver) and a device on it, and says what is missing where there is none.
 * Called by `start.ts`; looks at the disk only to tell a missing loader from a missing driver.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { EngineError } from "../errors.ts";
import type { Gpu, GpuAdapter, GpuDevice } from "./load.ts";

/** Limits that kernels reach; the rest of WebGPU's limits keep their defaults. */
const RAISED = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
] as const;

/**
 * The adapter that Dawn takes for the fastest.
 *
 * @throws EngineError that names what is missing, when there is none.
 */
export async function requestAdapter(gpu: Gpu): Promise<GpuAdapter> {
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) throw new EngineError(`the webgpu engine found no GPU: ${whatIsMissing()}`);
  return adapter;
}

/** Whether an adapter computes on the CPU: a driver for tests, slower than the wasm engine. */
export function isSoftware({ info }: Pick<GpuAdapter, "info">): boolean {
  return (
    info.isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe|basic render/i.test(name({ info }))
  );
}

/** The adapter in words: what the driver calls itself. */
export function name({ info }: Pick<GpuAdapter, "info">): string {
  const { vendor, architecture, device, description } = info;
  return (
    [description, device, `${vendor} ${architecture}`].find((text) => text.trim() !== "")?.trim() ?? "GPU"
  );
}

/** A device with the adapter's own limits where kernels need more than WebGPU promises everywhere. */
export async function requestDevice(adapter: GpuAdapter): Promise<GpuDevice> {
  const { limits, features } = adapter;
  const known = RAISED.filter((limit) => limits[limit] !== undefined);
  return adapter.requestDevice({
    requiredLimits: Object.fromEntries(known.map((limit) => [limit, limits[limit]!])),
    // tfjs's profiler times kernels with it.
    requiredFeatures: features.has("timestamp-query") ? ["timestamp-query"] : [],
  });
}

const LOADER_FOLDERS = [
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib/aarch64-linux-gnu",
  "/usr/lib64",
  "/usr/lib",
  "/usr/local/lib",
];
const DRIVER_FOLDERS = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];

/** Why there may be no adapter, and what to do. */
export function whatIsMissing(
  platform: string = process.platform,
  environment: Readonly<Record<string, string | undefined>> = process.env,
  exists: (path: string) => boolean = existsSync,
  list: (folder: string) => readonly string[] = readdirSync,
): string {
  if (platform === "darwin") return "Metal offers none to this process (a session without graphics, say)";
  if (platform === "win32") return "Direct3D 12 offers none; install or update the graphics driver";
  const split = (paths: string | undefined): string[] =>
    (paths ?? "").split(":").filter((path) => path !== "");
  const loaders = [...split(environment["LD_LIBRARY_PATH"]), ...LOADER_FOLDERS];
  if (!loaders.some((folder) => exists(join(folder, "libvulkan.so.1")))) {
    return (
      "the Vulkan loader libvulkan.so.1 is not installed " +
      "(package libvulkan1 on Debian and Ubuntu, vulkan-loader on Fedora), nor perhaps a driver"
    );
  }
  const named = environment["VK_DRIVER_FILES"] ?? environment["VK_ICD_FILENAMES"];
  const drivers =
    named === undefined
      ? DRIVER_FOLDERS.filter(exists).flatMap((folder) => list(folder).map((file) => join(folder, file)))
      : split(named).filter(exists);
  if (drivers.length === 0) {
    const place = named === undefined ? DRIVER_FOLDERS.join(", ") : `VK_DRIVER_FILES names ${named}`;
    return (
      `no Vulkan driver is installed (${place}); NVIDIA's driver brings its own, for AMD and Intel install ` +
      "mesa-vulkan-drivers"
    );
  }
  return (
    `none of the Vulkan drivers (${drivers.join(", ")}) has a GPU to offer that Dawn accepts; ` +
    "see what vulkaninfo --summary lists, and whether the driver is new enough (of Mesa's software drivers 25.0 is, 22.3 is not)"
  );
}
