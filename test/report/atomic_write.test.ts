/** Atomic writing: whole or not at all, with errors that say what to do. */
import * as fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { writeFileAtomic } from "../../src/runtime/report/atomic_write.ts";

vi.mock("node:fs/promises", async (original) => {
  const actual = await original<typeof fs>();
  return { ...actual, open: vi.fn(actual.open) };
});

let directory: string;
beforeEach(async () => {
  directory = await fs.mkdtemp(join(tmpdir(), "dmlc-write-"));
});
afterEach(async () => {
  await fs.rm(directory, { recursive: true });
});

test("creates directories and replaces what was there, leaving nothing else", async () => {
  const path = join(directory, "a", "b.json");
  await writeFileAtomic(path, "one");
  await writeFileAtomic(path, new TextEncoder().encode("two"));
  expect(await fs.readFile(path, "utf8")).toBe("two");
  expect(await fs.readdir(join(directory, "a"))).toEqual(["b.json"]);
});

test("a disk that fills up: a clear error, the old file untouched, no leftovers", async () => {
  const path = join(directory, "weights.bin");
  await writeFileAtomic(path, "old");
  const actual = await vi.importActual<typeof fs>("node:fs/promises");
  vi.mocked(fs.open).mockImplementationOnce(async (...args) => {
    const file = await actual.open(...args);
    file.writeFile = () => Promise.reject(Object.assign(new Error("no space left"), { code: "ENOSPC" }));
    return file;
  });
  await expect(writeFileAtomic(path, "newer")).rejects.toThrow(
    `cannot write ${path} (5 bytes): the disk is full; free some space or write elsewhere`,
  );
  expect(await fs.readFile(path, "utf8")).toBe("old");
  expect(await fs.readdir(directory)).toEqual(["weights.bin"]);
});

test("a directory in the file's place, a file in a directory's", async () => {
  await fs.mkdir(join(directory, "taken"));
  await expect(writeFileAtomic(join(directory, "taken"), "x")).rejects.toThrow("a directory has that name");
  await fs.writeFile(join(directory, "file"), "");
  await expect(writeFileAtomic(join(directory, "file", "x", "y"), "x")).rejects.toThrow(
    "is a file, not a directory",
  );
  expect((await fs.readdir(directory)).sort()).toEqual(["file", "taken"]);
});
