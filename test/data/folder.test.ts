import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import sharp from "sharp";
import type { Color, Sharp } from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { folder } from "../../src/runtime/data/index.ts";
import type { LoadContext } from "../../src/runtime/data/index.ts";
import { dataError } from "./fixtures.ts";

const GRAY: readonly [number, number, number] = [4, 6, 1];
const RGB: readonly [number, number, number] = [4, 4, 3];
let base: string;
let project: string;

function contextOf(change: Partial<LoadContext> = {}): LoadContext {
  return {
    specDirectory: join(project, "specs"),
    projectRoot: project,
    allowOutside: false,
    cacheDirectory: join(base, "cache"),
    progress: () => {},
    ...change,
  };
}

function write(path: string, bytes: Buffer | string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

function solid(width: number, height: number, color: Color): Sharp {
  return sharp({ create: { width, height, channels: 4, background: color } });
}

beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "dmlc-folder-"));
  project = join(base, "project");
  const photos = join(project, "specs", "photos");
  mkdirSync(photos, { recursive: true });
  write(join(photos, "red", "b.png"), await solid(9, 5, "#ff0000").png().toBuffer());
  write(join(photos, "red", "a.jpg"), await solid(20, 20, "#ff0000").jpeg({ quality: 100 }).toBuffer());
  write(join(photos, "clear", "1.webp"), await solid(8, 8, "rgba(0, 0, 0, 0)").png().toBuffer());
  write(join(photos, "blue", "z.PNG"), await solid(3, 7, "#0000ff").greyscale(false).png().toBuffer());
  write(join(photos, "blue", "broken.png"), "this is no image");
  const whole = await sharp({
    create: {
      width: 64,
      height: 64,
      channels: 3,
      background: "blue",
      noise: { type: "gaussian", sigma: 90 },
    },
  })
    .jpeg()
    .toBuffer();
  write(join(photos, "blue", "cut.jpg"), whole.subarray(0, whole.length >> 1));
  write(join(photos, "blue", ".hidden.png"), "x");
  write(join(photos, "blue", "notes.txt"), "x");
  write(join(photos, "blue", "deeper", "x.png"), "x");
  write(join(photos, ".git", "x.png"), "x");
  write(join(photos, "readme.md"), "x");
  write(join(project, "specs", "one", "only", "1.png"), await solid(3, 3, "#fff").png().toBuffer());
  write(join(project, "specs", "bad", "a", "1.png"), "x");
  mkdirSync(join(project, "specs", "empty"));
  for (const name of ["a", "b"]) {
    write(join(base, "outside", name, "1.png"), await solid(3, 3, "#fff").png().toBuffer());
  }
});

afterAll(() => rmSync(base, { recursive: true, force: true }));

describe("folder", () => {
  it("reads a directory a class, in order, names what it leaves out", async () => {
    const dataset = await folder("photos", { image: RGB }).load(contextOf());
    expect(dataset.name).toBe("photos");
    expect(dataset.classNames).toEqual(["blue", "clear", "red"]);
    expect(dataset.sampleNames).toEqual(["blue/z.PNG", "clear/1.webp", "red/a.jpg", "red/b.png"]);
    expect([...dataset.labels]).toEqual([0, 1, 2, 2]);
    expect([...dataset.classClusters]).toEqual([0, 1, 2]);
    expect(dataset.pixels).toHaveLength(4 * 48);
    expect([...dataset.pixels.subarray(0, 3)]).toEqual([0, 0, 255]);
    expect([...dataset.pixels.subarray(48, 51)]).toEqual([255, 255, 255]);
    expect(dataset.pixels[96]).toBeGreaterThan(250);
    const notes = dataset.notes.join("\n");
    expect(notes).toContain("1 file outside a class directory left out");
    expect(notes).toContain("1 folder within a class left out");
    expect(notes).toContain("1 file that is no image left out");
    expect(notes).toContain("2 of 6 images could not be decoded");
    expect(notes).toContain("blue/broken.png left out:");
    expect(notes).toContain("blue/cut.jpg left out:");
    expect(notes).not.toContain("hidden");
  });

  it("makes gray images, and covers the size by cropping about the centre", async () => {
    const stripes = join(project, "specs", "stripes");
    const bars = Buffer.alloc(12 * 4, 0);
    for (let y = 0; y < 4; y++) bars.fill(255, y * 12 + 3, y * 12 + 9);
    const bytes = await sharp(bars, { raw: { width: 12, height: 4, channels: 1 } })
      .png()
      .toBuffer();
    write(join(stripes, "a", "1.png"), bytes);
    write(join(stripes, "b", "1.png"), await solid(5, 5, "#808080").png().toBuffer());
    const dataset = await folder("stripes", { image: GRAY }).load(contextOf());
    expect([...dataset.pixels.subarray(0, 24)]).toEqual(Array.from({ length: 24 }, () => 255));
    expect([...dataset.pixels.subarray(24, 48)]).toEqual(Array.from({ length: 24 }, () => 128));
  });

  it("turns an image as its EXIF orientation says", async () => {
    const turned = join(project, "specs", "turned");
    const halves = Buffer.alloc(8 * 8, 0).fill(255, 32);
    const bytes = await sharp(halves, { raw: { width: 8, height: 8, channels: 1 } })
      .withMetadata({ orientation: 3 })
      .png()
      .toBuffer();
    write(join(turned, "a", "1.png"), bytes);
    write(join(turned, "b", "1.png"), bytes);
    const { pixels } = await folder("turned", { image: [2, 2, 1] }).load(contextOf());
    expect([...pixels.subarray(0, 4)].map((byte) => byte > 127)).toEqual([true, true, false, false]);
  });

  it("reports progress up to the last image", async () => {
    const seen: number[] = [];
    await folder("photos", { image: RGB }).load(
      contextOf({
        progress: (what, done, total) => {
          expect([what, total]).toEqual(["images", 6]);
          seen.push(done);
        },
      }),
    );
    expect(seen).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("with strict, refuses the first image that cannot be decoded", async () => {
    const error = await dataError(() => folder("photos", { image: RGB, strict: true }).load(contextOf()));
    expect(error.message).toContain("cannot decode blue/broken.png");
    expect(error.message).toContain("(and 1 more)");
  });

  it("says what is wrong with a folder that cannot be a data set", async () => {
    const message = async (path: string): Promise<string> =>
      (await dataError(() => folder(path, { image: GRAY }).load(contextOf()))).message;
    expect(await message("nowhere")).toBe('folder "nowhere" does not exist');
    expect(await message("photos/readme.md")).toContain("is not a folder");
    expect(await message("empty")).toContain("holds no images");
    expect(await message("one")).toContain("of one class only: only");
    expect(await message("bad")).toContain("none of the 1 images of bad can be decoded");
    const wrong = await dataError(() => folder("photos", { image: [0, 4, 2] }).load(contextOf()));
    expect(wrong.message).toContain("cannot make images of 0 x 4 x 2");
  });

  it("refuses to leave the project, by path or by symbolic link, unless allowed", async () => {
    const outside = join(base, "outside");
    symlinkSync(outside, join(project, "specs", "linked"));
    mkdirSync(join(project, "specs", "sly"));
    symlinkSync(join(outside, "a"), join(project, "specs", "sly", "a"));
    mkdirSync(join(project, "specs", "slyer", "a"), { recursive: true });
    symlinkSync(join(outside, "a", "1.png"), join(project, "specs", "slyer", "a", "1.png"));
    for (const path of [
      outside,
      join(project, "specs", "photos"),
      "../../outside",
      "linked",
      "sly",
      "slyer",
    ]) {
      const error = await dataError(() => folder(path, { image: GRAY }).load(contextOf()));
      expect(error.help, path).toContain("--allow-outside");
    }
    for (const path of [outside, "../../outside", "linked"]) {
      const dataset = await folder(path, { image: GRAY }).load(contextOf({ allowOutside: true }));
      expect(dataset.classNames).toEqual(["a", "b"]);
    }
  });

  it("follows symbolic links within the project, and passes over dangling ones", async () => {
    const linked = join(project, "specs", "inside");
    mkdirSync(linked);
    symlinkSync(join(project, "specs", "photos", "red"), join(linked, "red"));
    symlinkSync(join(project, "specs", "photos", "clear"), join(linked, "clear"));
    symlinkSync(join(project, "specs", "nowhere"), join(linked, "dangling"));
    const dataset = await folder("inside", { image: GRAY }).load(contextOf());
    expect(dataset.classNames).toEqual(["clear", "red"]);
  });
});
