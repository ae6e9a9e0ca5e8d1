/** Runs command lines in this process, and makes files for them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { main } from "../../src/cli/main.ts";
import { writeNpy } from "../../src/runtime/report/npy.ts";

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What `dmlc ARGS…` prints and answers. */
export async function dmlc(...args: string[]): Promise<Outcome> {
  let out = "";
  let err = "";
  const code = await main(args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    outPaint: (_, text) => text,
    errPaint: (_, text) => text,
  });
  return { code, out, err };
}

/** A folder of files, removed by `clean`. */
export function folder(): {
  readonly path: string;
  write(name: string, content: string | Uint8Array): string;
  npy(name: string, shape: readonly number[], data: readonly number[]): string;
  clean(): void;
} {
  const path = mkdtempSync(join(tmpdir(), "dmlc-test-"));
  const write = (name: string, content: string | Uint8Array): string => {
    const file = join(path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  };
  return {
    path,
    write,
    npy: (name, shape, data) => write(name, writeNpy(shape, data)),
    clean: () => rmSync(path, { recursive: true }),
  };
}
