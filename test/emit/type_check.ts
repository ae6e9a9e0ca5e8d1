/** Emitted programs through TypeScript's own compiler, as strict as this project's sources. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./emitted.ts";

/** What the compiler says of programs by their names; nothing, with status 0, if they are sound. */
export function typeCheck(programs: Iterable<readonly [name: string, text: string]>): {
  stdout: string;
  status: number | null;
} {
  const folder = mkdtempSync(join(tmpdir(), "dmlc-emit-"));
  try {
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    const files = [...programs].map(([name, text]) => {
      const file = join(folder, `${name}.ts`);
      writeFileSync(file, text);
      return file;
    });
    const compilerOptions = { rootDir: "/", types: [] };
    const config = join(folder, "tsconfig.json");
    const settings = { extends: join(root, "tsconfig.json"), files, include: [], compilerOptions };
    writeFileSync(config, JSON.stringify(settings));
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
    const { stdout, status } = spawnSync(process.execPath, [tsc, "-p", config, "--noEmit"], {
      encoding: "utf8",
      cwd: root,
    });
    return { stdout, status };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
