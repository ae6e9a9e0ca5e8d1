/**
 * The command line as a user has it: built, installed as a package into a project outside this checkout, and run in
 * processes of its own. The package is made of links to this checkout and one fresh build.
 */
import { spawn, spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";

const checkout = fileURLToPath(new URL("../..", import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Installed {
  /** The project's folder: it has a package.json, and `dmlc` in its node_modules. */
  readonly project: string;
  /** Runs `dmlc ARGS` in a folder, the project's unless said otherwise. */
  dmlc(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Runs `node ARGS`. */
  node(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Writes a file below the project and answers its path. */
  write(path: string, text: string): string;
  remove(): void;
}

export interface RunOptions {
  readonly cwd?: string;
  /** Beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Sent SIGINT as soon as stderr matches. */
  readonly interruptAt?: RegExp;
}

export function install(): Installed {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "dmlc-e2e-")));
  const pack = join(folder, "package");
  const project = join(folder, "project");
  mkdirSync(join(pack, "bin"), { recursive: true });
  mkdirSync(join(project, "node_modules"), { recursive: true });
  for (const each of ["stdlib", "node_modules"]) symlinkSync(join(checkout, each), join(pack, each));
  for (const each of ["package.json", "bin/dmlc.js"]) copyFileSync(join(checkout, each), join(pack, each));
  symlinkSync(pack, join(project, "node_modules", "dmlc"));
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }\n');
  const tsc = join(checkout, "node_modules", "typescript", "bin", "tsc");
  const config = join(checkout, "tsconfig.build.json");
  const built = spawnSync(process.execPath, [tsc, "-p", config, "--outDir", join(pack, "dist")]);
  if (built.status !== 0) throw new Error(`the build failed:\n${built.stdout}${built.stderr}`);

  // Nothing that this machine has installed beside the package is seen, unless a test says so.
  const own = { DMLC_CACHE: join(folder, "cache"), DMLC_BACKEND_DIR: "", NO_COLOR: "1" };
  const environment = { ...process.env, ...own };
  const node: Installed["node"] = (args, { cwd = project, interruptAt, env = {} } = {}) =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [...args], {
        cwd,
        env: { ...environment, ...env },
        stdio: ["ignore", "pipe", "pipe"],
      });
      let stdout = "";
      let stderr = "";
      let interrupted = false;
      child.stdout.on("data", (chunk) => (stdout += chunk));
      child.stderr.on("data", (chunk) => {
        stderr += chunk;
        if (interrupted || interruptAt === undefined || !interruptAt.test(stderr)) return;
        interrupted = true;
        child.kill("SIGINT");
      });
      child.on("error", reject);
      child.on("close", (code) => resolve({ code, stdout, stderr }));
    });
  return {
    project,
    node,
    dmlc: (args, options) => node([join(pack, "bin", "dmlc.js"), ...args], options),
    write: (path, text) => {
      const file = join(project, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return file;
    },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** A folder of small PNGs: each class a pattern of stripes, each image of it shifted and speckled. */
export async function drawClasses(folder: string, classes: number, samples: number): Promise<void> {
  for (let c = 0; c < classes; c++) {
    mkdirSync(join(folder, `class${c}`), { recursive: true });
    for (let s = 0; s < samples; s++) {
      const file = join(folder, `class${c}`, `${s}.png`);
      await sharp(pattern(c, s), { raw: { width: SIDE, height: SIDE, channels: 1 } })
        .png()
        .toFile(file);
    }
  }
}

const SIDE = 12;

function pattern(c: number, s: number): Buffer {
  const bytes = Buffer.alloc(SIDE * SIDE);
  for (let k = 0; k < bytes.length; k++) {
    const [y, x] = [Math.floor(k / SIDE), k % SIDE];
    const wave = Math.sin((x + s) * (0.4 + 0.2 * c)) * Math.cos((y - s) * (0.3 + 0.15 * (c % 4)));
    bytes[k] = Math.round(128 + 90 * wave + ((s * 37 + k * 101) % 31));
  }
  return bytes;
}
