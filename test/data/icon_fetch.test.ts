import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultCacheDirectory, iconLicences, iconSets } from "../../src/runtime/data/index.ts";
import { readCachedDataset, writeCachedDataset } from "../../src/runtime/data/dataset_cache.ts";
import { fetchIconSets, packageName, tarEntry } from "../../src/runtime/data/icon_fetch.ts";
import type { RunNpm } from "../../src/runtime/npm.ts";
import { iconSetFolder, loadIconSets } from "../../src/runtime/data/icon_sets.ts";
import { ICON_SETS } from "../../src/runtime/data/icon_sets_manifest.ts";
import type { PinnedIconSet } from "../../src/runtime/data/icon_sets_manifest.ts";
import { dataError, datasetOf } from "./fixtures.ts";

const quiet = (): void => {};
let cache: string;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "dmlc-cache-"));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

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

function packed(set: string): Buffer {
  const json = JSON.stringify({ prefix: set, icons: { sun: { body: "<path/>" } } });
  return gzipSync(tar({ "package/package.json": "{}", "package/icons.json": json }));
}

function pinOf(set: string): PinnedIconSet {
  const integrity = `sha512-${createHash("sha512").update(packed(set)).digest("base64")}`;
  return { set, version: "1.0.0", license: "MIT", title: set, author: set, integrity };
}

const pins = ["a", "b", "c", "d", "e", "f"].map(pinOf);

/** An npm that writes the packages it is asked for, changed by `spoil`. */
function npmOf(spoil: (set: string) => Buffer | undefined = packed): RunNpm & { asked: string[] } {
  const asked: string[] = [];
  const run: RunNpm = (args, directory) => {
    expect(args[0]).toBe("pack");
    expect(args).toContain("--ignore-scripts");
    for (const spec of args.filter((arg) => arg.startsWith("@"))) {
      const set = /^@iconify-json\/(.+)@1\.0\.0$/.exec(spec)![1]!;
      asked.push(set);
      const bytes = spoil(set);
      if (bytes !== undefined) writeFileSync(join(directory, `iconify-json-${set}.tgz`), bytes);
    }
    return Promise.resolve({ code: 0, errors: "" });
  };
  return Object.assign(run, { asked });
}

function failing(errors: string): RunNpm {
  return () => Promise.resolve({ code: 1, errors });
}

describe("fetching icon packages", () => {
  it("asks npm once for each, verifies, keeps, and reads them in the order of the pins", async () => {
    const npm = npmOf();
    const seen: [number, number][] = [];
    const sets = await fetchIconSets(pins, cache, (done, total) => seen.push([done, total]), npm);
    expect(sets.map((set) => set.prefix)).toEqual(["a", "b", "c", "d", "e", "f"]);
    expect(npm.asked.sort()).toEqual(["a", "b", "c", "d", "e", "f"]);
    expect(seen[0]).toEqual([0, 6]);
    expect(seen.at(-1)).toEqual([6, 6]);
    const again = npmOf();
    await fetchIconSets(pins, cache, quiet, again);
    expect(again.asked).toEqual([]);
    expect(readdirSync(join(cache, "packages")).sort()).toEqual(pins.map((pin) => `${pin.set}-1.0.0.tgz`));
  });

  it("refuses a package of another integrity, keeps the good ones and leaves nothing half done", async () => {
    const spoilt = npmOf((set) => (set === "c" ? packed("x") : set === "e" ? undefined : packed(set)));
    const error = await dataError(() => fetchIconSets(pins, cache, quiet, spoilt));
    expect(error.message).toContain("@iconify-json/c@1.0.0, @iconify-json/e@1.0.0");
    expect(error.message).toContain("integrity");
    expect(readdirSync(join(cache, "packages")).sort()).toEqual(
      ["a", "b", "d", "f"].map((set) => `${set}-1.0.0.tgz`),
    );
    const npm = npmOf();
    await fetchIconSets(pins, cache, quiet, npm);
    expect(npm.asked.sort()).toEqual(["c", "e"]);
  });

  it("fetches a cached package again that was damaged", async () => {
    await fetchIconSets(pins, cache, quiet, npmOf());
    writeFileSync(join(cache, "packages", "b-1.0.0.tgz"), "damaged");
    const npm = npmOf();
    await fetchIconSets(pins, cache, quiet, npm);
    expect(npm.asked).toEqual(["b"]);
  });

  it.each([
    ["npm error code ENOTFOUND\nnpm error network request failed, getaddrinfo\n", "getaddrinfo", "network"],
    ["npm ERR! code ECONNREFUSED\nnpm ERR! errno ECONNREFUSED\n", "(ECONNREFUSED)", "network"],
    ["npm error code ENOSPC\nnpm error nospc no space left\n", "no space left", "disk is full"],
    ["npm error code E404\nnpm error 404 Not Found\n", "404 Not Found", "registry"],
    ["npm error code EACCES\n", "(EACCES)", "npm's cache"],
    ["npm error code EINTEGRITY\n", "(EINTEGRITY)", "cache clean"],
    ["Segmentation fault\n", "could not fetch", "by hand"],
  ])("says what to do when npm fails: %j", async (errors, said, help) => {
    const error = await dataError(() => fetchIconSets(pins, cache, quiet, failing(errors)));
    expect(error.message).toContain(said);
    expect(error.help).toContain(help);
    expect(readdirSync(join(cache, "packages"))).toEqual([]);
  });

  it("says that npm is missing", async () => {
    const path = process.env.PATH;
    process.env.PATH = "";
    try {
      const error = await dataError(() => fetchIconSets(pins, cache, quiet));
      expect(error.message).toContain("cannot run npm");
      expect(error.help).toContain("Install");
    } finally {
      process.env.PATH = path;
    }
    expect(readdirSync(join(cache, "packages"))).toEqual([]);
  });

  it("says that the cache cannot be written", async () => {
    writeFileSync(join(cache, "file"), "");
    const error = await dataError(() => loadIconSets(32, join(cache, "file"), quiet, npmOf()));
    expect(error.message).toContain("cannot write the data cache");
    expect(error.help).toContain("DMLC_CACHE");
  });

  it("reads one file of a tar archive", () => {
    const archive = tar({ "package/a.txt": "x".repeat(700), "package/b.txt": "second" });
    expect(tarEntry(archive, "package/b.txt")).toBe("second");
    expect(tarEntry(archive, "package/c.txt")).toBeUndefined();
  });
});

describe("the manifest", () => {
  it("pins forty sets by exact version and SHA-512, names no host, and knows their licences", () => {
    expect(ICON_SETS).toHaveLength(40);
    expect(new Set(ICON_SETS.map(packageName)).size).toBe(40);
    for (const pin of ICON_SETS) {
      expect(pin.version).toMatch(/^\d+\.\d+\.\d+$/);
      expect(pin.integrity).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
      expect(["MIT", "ISC", "Apache-2.0", "CC-BY-4.0", "OFL-1.1", "Unlicense"]).toContain(pin.license);
    }
    expect(JSON.stringify(ICON_SETS)).not.toContain("://");
    expect(iconLicences().trim().split("\n")).toHaveLength(40);
  });
});

describe("icon_sets", () => {
  it("reads a finished data set without npm, and adds where the licences are", async () => {
    const folder = iconSetFolder(16, cache);
    writeCachedDataset(folder, datasetOf([2, 2], { name: "stored" }), {});
    const dataset = await loadIconSets(16, cache, quiet, failing("npm must not run"));
    expect(dataset.name).toBe("stored");
    expect(dataset.notes.at(-1)).toContain(join(folder, "LICENCES.txt"));
    await dataError(() => loadIconSets(17, cache, quiet, failing("npm must run")));
  });

  it("refuses sizes that are none", async () => {
    for (const size of [0, 4, 31.5, NaN, 100_000]) {
      const context = {
        specDirectory: cache,
        projectRoot: cache,
        allowOutside: false,
        cacheDirectory: cache,
        progress: quiet,
      };
      const error = await dataError(() => iconSets({ size }).load(context));
      expect(error.message).toContain("size must be a whole number");
    }
  });

  it("says how the spec writes it", () => {
    expect(iconSets({ size: 32 }).description).toBe("icon_sets(size: 32)");
  });
});

describe("the cache of data sets", () => {
  it("gives back what was stored", () => {
    const dataset = { ...datasetOf([2, 3], { clusters: [0, 0], image: [3, 2, 1] }), notes: ["one"] };
    const folder = join(cache, "deep", "set");
    writeCachedDataset(folder, dataset, { "LICENCES.txt": "text" });
    expect(readCachedDataset(folder)).toEqual(dataset);
    expect(readFileSync(join(folder, "LICENCES.txt"), "utf8")).toBe("text");
    expect(readdirSync(join(cache, "deep"))).toEqual(["set"]);
  });

  it("takes a damaged or partial one for none, and replaces it", () => {
    const folder = join(cache, "set");
    expect(readCachedDataset(folder)).toBeUndefined();
    mkdirSync(folder);
    writeFileSync(join(folder, "dataset.json"), '{"name":');
    expect(readCachedDataset(folder)).toBeUndefined();
    const dataset = datasetOf([2, 3]);
    writeCachedDataset(folder, dataset, {});
    expect(readCachedDataset(folder)).toEqual(dataset);
    writeFileSync(join(folder, "pixels.bin"), "short");
    expect(readCachedDataset(folder)).toBeUndefined();
    writeCachedDataset(folder, dataset, {});
    expect(readCachedDataset(folder)).toEqual(dataset);
  });

  it("leaves a whole one as it is", () => {
    const folder = join(cache, "set");
    writeCachedDataset(folder, datasetOf([2, 3], { name: "first" }), {});
    writeCachedDataset(folder, datasetOf([2, 3], { name: "second" }), {});
    expect(readCachedDataset(folder)!.name).toBe("first");
    expect(readdirSync(cache)).toEqual(["set"]);
  });
});

describe("the cache directory", () => {
  it("follows DMLC_CACHE, then the platform", () => {
    const home = join(cache, "home");
    const of = (environment: Record<string, string>, platform: string): string =>
      defaultCacheDirectory(environment, platform, home);
    expect(of({ DMLC_CACHE: "/own", XDG_CACHE_HOME: "/xdg" }, "linux")).toBe("/own");
    expect(of({ XDG_CACHE_HOME: "/xdg" }, "linux")).toBe(join("/xdg", "dmlc"));
    expect(of({ XDG_CACHE_HOME: "" }, "linux")).toBe(join(home, ".cache", "dmlc"));
    expect(of({}, "darwin")).toBe(join(home, "Library", "Caches", "dmlc"));
    expect(of({ LOCALAPPDATA: join(home, "local") }, "win32")).toBe(join(home, "local", "dmlc", "Cache"));
  });
});
