/**
 * What the native engine is made of, pinned: wheels of TensorFlow and CUDA by their sha256, npm packages by their
 * integrity, and which files of each are kept. Data and two look-ups, called by the installation; touches nothing.
 *
 * A wheel's Python version matters to nobody here, only its libraries are used: one wheel serves every machine of its
 * kind. CUDA's wheels are those that TensorFlow's `and-cuda` extra asks for, without the random-number library, which
 * TensorFlow does not load; of the rest, libraries for other uses stay out.
 */
import { TENSORFLOW_VERSION, TFJS_VERSION } from "../../runtime/engine/tensorflow/locate.ts";

export interface WheelPin {
  /** The project, as pip is asked for it. */
  readonly project: string;
  readonly version: string;
  /** pip's `--platform`: the tag in the wheel's name. */
  readonly platform: string;
  readonly file: string;
  readonly sha256: string;
  /** Bytes of the wheel, and of what is kept of it. */
  readonly size: number;
  readonly unpacked: number;
  /** Paths in the wheel that are kept. */
  readonly keep: RegExp;
}

export interface PackagePin {
  readonly name: string;
  readonly version: string;
  readonly integrity: string;
  /** Paths in the package that are kept. */
  readonly keep: RegExp;
}

export interface Pins {
  readonly wheels: readonly WheelPin[];
  /** The packages that stay. */
  readonly packages: readonly PackagePin[];
  /** The package of Node's headers, needed for the build only. */
  readonly headers: PackagePin;
}

/** The C headers that the binding is built against, and the library's own notices. */
const TENSORFLOW_FILES =
  /^tensorflow\/(libtensorflow_(cc|framework)\.(so\.2|2\.dylib)|THIRD_PARTY_NOTICES\.txt|include\/(tensorflow\/c\/|tensorflow\/core\/platform\/ctstring|tsl\/platform\/ctstring|xla\/tsl\/c\/|absl\/).*)$/;

function tensorflow(
  project: string,
  platform: string,
  sha256: string,
  size: number,
  unpacked: number,
): WheelPin {
  const file = `${project.replaceAll("-", "_")}-${TENSORFLOW_VERSION}-cp311-cp311-${platform}.whl`;
  return {
    project,
    version: TENSORFLOW_VERSION,
    platform,
    file,
    sha256,
    size,
    unpacked,
    keep: TENSORFLOW_FILES,
  };
}

/** By `process.platform` and `process.arch`. */
const TENSORFLOW: Readonly<Record<string, WheelPin>> = {
  "linux-x64": tensorflow(
    "tensorflow-cpu",
    "manylinux_2_27_x86_64",
    "2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c",
    273_829_956,
    858_000_000,
  ),
  "linux-arm64": tensorflow(
    "tensorflow",
    "manylinux_2_27_aarch64",
    "4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c",
    281_828_020,
    888_000_000,
  ),
  "darwin-arm64": tensorflow(
    "tensorflow",
    "macosx_12_0_arm64",
    "51f46f4806139d01fc7920cc72a4c75876f80649bf40ff083ab6212ceb43ca88",
    223_405_849,
    746_000_000,
  ),
};

const TENSORFLOW_CUDA: Readonly<Record<string, WheelPin>> = {
  "linux-x64": tensorflow(
    "tensorflow",
    "manylinux_2_27_x86_64",
    "9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124",
    572_440_367,
    1_264_000_000,
  ),
};

function cuda(
  name: string,
  version: string,
  tags: string,
  sha256: string,
  size: number,
  unpacked: number,
): WheelPin {
  const file = `nvidia_${name.replaceAll("-", "_")}_cu12-${version}-py3-none-${tags}.whl`;
  const platform = tags.split(".")[0]!;
  return {
    project: `nvidia-${name}-cu12`,
    version,
    platform,
    file,
    sha256,
    size,
    unpacked,
    keep: CUDA_FILES,
  };
}

/** Libraries under the names TensorFlow loads, what compiles for the GPU at run time, and the licence. */
const CUDA_FILES =
  /^(nvidia\/[^/]+\/(lib\/lib(?!nvblas|cufftw|cusolverMg|checkpoint|pcsamplingutil|[^/]*\.alt\.)[^/]+\.so[.0-9]*|bin\/ptxas|nvvm\/libdevice\/[^/]+)|[^/]+\.dist-info\/(licenses\/)?License\.txt)$/;

const CUDA_X64: readonly WheelPin[] = [
  cuda(
    "cublas",
    "12.9.3.13",
    "manylinux_2_27_x86_64",
    "d7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72",
    581_217_458,
    854_310_592,
  ),
  cuda(
    "cuda-cupti",
    "12.9.79",
    "manylinux_2_25_x86_64",
    "096bcf334f13e1984ba36685ad4c1d6347db214de03dbb6eebb237b41d9d934f",
    10_814_997,
    41_254_432,
  ),
  cuda(
    "cuda-nvcc",
    "12.9.86",
    "manylinux2010_x86_64.manylinux_2_12_x86_64",
    "5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0",
    40_546_229,
    35_417_224,
  ),
  cuda(
    "cuda-nvrtc",
    "12.9.86",
    "manylinux2010_x86_64.manylinux_2_12_x86_64",
    "210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4",
    89_568_129,
    113_447_240,
  ),
  cuda(
    "cuda-runtime",
    "12.9.79",
    "manylinux2014_x86_64.manylinux_2_17_x86_64",
    "25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3",
    3_493_179,
    741_088,
  ),
  cuda(
    "cudnn",
    "9.28.0.42",
    "manylinux_2_27_x86_64",
    "9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375",
    716_538_495,
    1_162_393_472,
  ),
  cuda(
    "cufft",
    "11.4.1.4",
    "manylinux2014_x86_64.manylinux_2_17_x86_64",
    "c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28",
    200_877_592,
    291_507_928,
  ),
  cuda(
    "cusolver",
    "11.7.5.82",
    "manylinux_2_27_x86_64",
    "15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88",
    338_117_415,
    302_024_152,
  ),
  cuda(
    "cusparse",
    "12.5.10.65",
    "manylinux2014_x86_64.manylinux_2_17_x86_64",
    "73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78",
    366_465_088,
    486_556_368,
  ),
  cuda(
    "nccl",
    "2.32.3",
    "manylinux_2_27_x86_64",
    "bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c",
    351_526_311,
    473_614_536,
  ),
  cuda(
    "nvjitlink",
    "12.9.86",
    "manylinux2010_x86_64.manylinux_2_12_x86_64",
    "e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9",
    39_748_338,
    95_935_344,
  ),
];

const PACKAGES: readonly PackagePin[] = [
  {
    name: "@tensorflow/tfjs-node-gpu",
    version: TFJS_VERSION,
    integrity:
      "sha512-p//NN6DGiN4hInUmIkRffaFVMcdTREUMjPyjW04J7OXvB2zBlQimj61eFKSgRrH3f5TnOfKzb0n56he/B6a4bw==",
    keep: /^(package\.json|binding\/[^/]+|dist\/.*\.js)$/,
  },
  {
    name: "google-protobuf",
    version: "3.21.4",
    integrity:
      "sha512-MnG7N936zcKTco4Jd2PX2U96Kf9PxygAPKBug+74LHzmHXmceN16MmRcdgZv+DGef/S9YvQAfRsNCn4cjf9yyQ==",
    keep: /^(package\.json|google-protobuf\.js|LICENSE\.md|LICENSE-asserts\.md)$/,
  },
];

const HEADERS: PackagePin = {
  name: "node-api-headers",
  version: "1.9.0",
  integrity:
    "sha512-2oNILP4jXwRB4ywnYKjVk1YyJ96n2D4EOVJO6S3oYZ5PtbJrw3Yt9TpAuX3nBLMuzn74rnfGQrv13pS9vC+YiA==",
  keep: /^include\/[^/]+\.h$/,
};

/** The pins for a machine, `linux-x64`; `undefined` if there are none. */
export function pinsFor(machine: string, withCuda: boolean): Pins | undefined {
  const library = (withCuda ? TENSORFLOW_CUDA : TENSORFLOW)[machine];
  if (library === undefined) return undefined;
  const wheels = withCuda ? [library, ...CUDA_X64] : [library];
  return { wheels, packages: PACKAGES, headers: HEADERS };
}

/** The machines that the engine can be installed on, and those where it can be with CUDA. */
export function supportedMachines(withCuda: boolean): readonly string[] {
  return Object.keys(withCuda ? TENSORFLOW_CUDA : TENSORFLOW);
}

/**
 * Bytes of disk that an installation needs while it runs: all that is unpacked, and the largest wheel twice, since pip
 * copies what it has fetched.
 */
export function neededBytes({ wheels }: Pins): number {
  const unpacked = wheels.reduce((sum, wheel) => sum + wheel.unpacked, 0);
  return unpacked + 2 * Math.max(...wheels.map(({ size }) => size)) + 50_000_000;
}
