/**
 * A machine for installations: a folder with a pip, an npm and a C++ compiler that do as they are told, and the parts
 * they bring. No network, and of the real machine only its shell.
 */
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync, gzipSync } from "node:zlib";
import type { BackendCheck } from "../../src/cli/backend/check_backend.ts";
import type { InstallOptions } from "../../src/cli/backend/install_tensorflow.ts";
import type { PackagePin, Pins, WheelPin } from "../../src/cli/backend/pins.ts";

export const works: BackendCheck = {
  tensorflow: "2.21.0",
  tfjs: "4.22.0",
  device: "CPU",
  problems: [],
  notes: [],
};

const LIBRARY = process.platform === "darwin" ? "libtensorflow_cc.2.dylib" : "libtensorflow_cc.so.2";

export interface Machine {
  readonly cache: string;
  readonly pins: Pins;
  readonly wheelFile: string;
  /** Options of an installation on this machine; `mode` says how a tool fails. */
  options(mode?: Record<string, string>, more?: Partial<InstallOptions>): InstallOptions;
  /** What the tools were asked, one line each. */
  asked(): string[];
  /** Everything below the folder of installed backends. */
  installed(): string[];
  without(tool: "python3" | "npm" | "c++"): void;
  /** Changes the bytes that pip (or npm) brings. */
  spoil(store: "wheels" | "npm"): void;
  clean(): void;
}

export function machine(): Machine {
  const root = mkdtempSync(join(tmpdir(), "dmlc-machine-"));
  const [bin, store, cache] = ["bin", "store", "cache"].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [bin, join(store, "wheels"), join(store, "npm")])
    mkdirSync(folder, { recursive: true });
  const log = join(root, "log");
  writeFileSync(log, "");

  const wheelBytes = zip({
    [`tensorflow/${LIBRARY}`]: "library".repeat(1000),
    "tensorflow/include/tensorflow/c/c_api.h": "// header",
    "tensorflow/python/not_kept.py": "pass",
    "tensorflow/THIRD_PARTY_NOTICES.txt": "notices",
  });
  const wheel: WheelPin = {
    project: "tensorflow-cpu",
    version: "2.21.0",
    platform: "manylinux_2_27_x86_64",
    file: "tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl",
    sha256: createHash("sha256").update(wheelBytes).digest("hex"),
    size: wheelBytes.length,
    unpacked: 7000,
    keep: /^tensorflow\/(lib|include\/|THIRD)/,
  };
  writeFileSync(join(store, "wheels", wheel.file), wheelBytes);
  const pack = (name: string, files: Record<string, string>, keep: RegExp): PackagePin => {
    const bytes = gzipSync(tar(files));
    writeFileSync(join(store, "npm", `${name.replace(/^@/, "").replace("/", "-")}.tgz`), bytes);
    const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
    return { name, version: "1.0.0", integrity, keep };
  };
  const pins: Pins = {
    wheels: [wheel],
    packages: [
      pack(
        "@tensorflow/tfjs-node-gpu",
        {
          "package/package.json": "{}",
          "package/dist/index.js": "// kernels",
          "package/binding/tfjs_binding.cc": "// source",
          "package/scripts/install.js": "throw 1",
        },
        /^(package\.json|dist\/|binding\/)/,
      ),
      pack("google-protobuf", { "package/google-protobuf.js": "// protobuf" }, /^google-protobuf\.js$/),
    ],
    headers: pack("node-api-headers", { "package/include/node_api.h": "// header" }, /^include\//),
  };

  const script = (name: string, mode: string, body: string): void => {
    const path = join(bin, name);
    writeFileSync(
      path,
      `#!/bin/sh
echo "${name} $*" >> "${log}"
mode=$FAKE_${mode}
fail() { printf '%s\\n' "$@" >&2; exit 1; }
${body}`,
    );
    chmodSync(path, 0o755);
  };
  script(
    "python3",
    "PYTHON3",
    `for arg in "$@"; do
  case $arg in
    --version) echo "pip 24.0 from somewhere (python 3.12)"; exit 0 ;;
    --dest=*) to=\${arg#--dest=} ;;
  esac
done
case $mode in
  offline) fail "WARNING: Retrying after connection broken by NewConnectionError: Temporary failure in name resolution" "ERROR: Could not find a version that satisfies the requirement" ;;
  full) fail "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device" ;;
  refused) fail "ERROR: No matching distribution found for tensorflow-cpu==2.21.0" ;;
  hang) echo x > "$TMPDIR/part"; exec /bin/sleep 1000 ;;
esac
/bin/cp "${join(store, "wheels")}"/* "$to"
`,
  );
  script(
    "npm",
    "NPM",
    `case $mode in
  offline) fail "npm error code ENOTFOUND" "npm error request failed" ;;
  full) fail "npm error code ENOSPC" ;;
  hang) exec /bin/sleep 1000 ;;
esac
/bin/cp "${join(store, "npm")}"/* .
`,
  );
  script(
    "c++",
    "CXX",
    `while [ $# -gt 0 ]; do
  case $1 in
    --version) exit 0 ;;
    -o) to=$2 ;;
  esac
  shift
done
[ "$mode" = fails ] && fail "tfjs_backend.cc:1:10: fatal error: cstdint: No such file or directory"
echo binding > "$to"
`,
  );

  return {
    cache,
    pins,
    wheelFile: join(store, "wheels", wheel.file),
    options: (mode = {}, more = {}) => ({
      cuda: false,
      wheels: [],
      cacheDirectory: cache,
      environment: { ...mode, PATH: bin },
      signal: new AbortController().signal,
      reporter: { phase: () => {}, work: () => {}, message: () => {} },
      pins,
      check: () => Promise.resolve(works),
      ...more,
    }),
    asked: () =>
      readFileSync(log, "utf8")
        .split("\n")
        .filter((line) => line !== ""),
    installed: () => {
      try {
        return readdirSync(join(cache, "backends"), { recursive: true, encoding: "utf8" }).sort();
      } catch {
        return [];
      }
    },
    without: (tool) => rmSync(join(bin, tool)),
    spoil: (kind) => {
      for (const name of readdirSync(join(store, kind)))
        writeFileSync(
          join(store, kind, name),
          Buffer.concat([readFileSync(join(store, kind, name)), Buffer.of(0)]),
        );
    },
    clean: () => rmSync(root, { recursive: true, force: true }),
  };
}

function tar(files: Record<string, string>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, text]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(text.length.toString(8).padStart(11, "0"), 124);
    const body = Buffer.alloc(Math.ceil(text.length / 512) * 512);
    body.write(text);
    return [header, body];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

export interface ZipOptions {
  /** Sizes and offsets in zip64 records. */
  readonly long?: boolean;
  readonly stored?: boolean;
  /** Unix permissions of every file. */
  readonly mode?: number;
}

/** A zip archive of text files. */
export function zip(
  files: Record<string, string>,
  { long = false, stored = false, mode = 0o644 }: ZipOptions = {},
): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const content = stored ? Buffer.from(text) : deflateRawSync(text);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(stored ? 0 : 8, 10);
    entry.writeUInt32LE(long ? 0xffffffff : content.length, 20);
    entry.writeUInt32LE(long ? 0xffffffff : text.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt16LE(long ? 28 : 0, 30);
    entry.writeUInt32LE((mode << 16) >>> 0, 38);
    entry.writeUInt32LE(long ? 0xffffffff : offset, 42);
    const extra = Buffer.alloc(long ? 28 : 0);
    if (long) {
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(24, 2);
      [text.length, content.length, offset].forEach((value, k) =>
        extra.writeBigUInt64LE(BigInt(value), 4 + 8 * k),
      );
    }
    locals.push(local, Buffer.from(name), content);
    central.push(entry, Buffer.from(name), extra);
    offset += 30 + name.length + content.length;
  }
  const directory = Buffer.concat(central);
  const count = Object.keys(files).length;
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(long ? 0xffff : count, 10);
  end.writeUInt32LE(long ? 0xffffffff : directory.length, 12);
  end.writeUInt32LE(long ? 0xffffffff : offset, 16);
  if (!long) return Buffer.concat([...locals, directory, end]);
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  [count, directory.length, offset].forEach((value, k) => record.writeBigUInt64LE(BigInt(value), 32 + 8 * k));
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(offset + directory.length), 8);
  return Buffer.concat([...locals, directory, record, locator, end]);
}
