/** What `dmlc run` says about folders of images that are not as they should be. */
import { mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { drawClasses, install, type Ended, type Installed } from "./installed.ts";

// Each test starts several processes, on machines that may be busy.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let here: Installed;
beforeAll(async () => {
  here = install();
  await drawClasses(join(here.project, "photos"), 8, 4);
  await drawClasses(join(here.project, "..", "outside"), 8, 4);
});
afterAll(() => here?.remove());

/** Runs two steps on a folder of images. */
async function run(
  path: string,
  options: { strict?: boolean; classes?: number; flags?: string[]; env?: Record<string, string> } = {},
): Promise<Ended> {
  const strict = options.strict ? ", strict: true" : "";
  here.write(
    "spec.dml",
    `dataset images = folder(${JSON.stringify(path)}${strict}) { image: gray(12x12) }
     model small {
       data: images
       backbone: conv(4) |> relu |> max_pool
       losses { pull: contrastive() with linear(4) |> normalize }
       train { batch: ${options.classes ?? 3} classes * 2 samples  steps: 2 }
     }`,
  );
  const { flags = [], env = {} } = options;
  return here.dmlc(["run", "spec.dml", "--out", "out", ...flags], { env });
}

const results = (): { data: { train_samples: number; test_samples: number }; test: unknown } =>
  JSON.parse(readFileSync(join(here.project, "out", "results.json"), "utf8")) as never;

function refuses(ended: Ended, ...said: (string | RegExp)[]): void {
  expect(ended).toMatchObject({ code: 3, stdout: "" });
  expect(ended.stderr).not.toContain("bug");
  for (const each of said) expect(ended.stderr).toMatch(each);
  expect(ended.stderr).toMatch(/\n {2}help: \S/);
}

test("threads that make batches, from memory or from files, change nothing", async () => {
  await drawClasses(join(here.project, "striped"), 8, 4);
  const found: unknown[] = [];
  for (const threads of ["0", "2"])
    for (const memory of ["1024", "0"]) {
      const env = { DMLC_DATA_THREADS: threads, DMLC_IMAGE_MEMORY: memory };
      const ended = await run("striped", { env });
      expect(ended).toMatchObject({ code: 0 });
      expect(ended.stderr.includes("decoded when they are needed")).toBe(memory === "0");
      found.push(results().test);
    }
  for (const each of found) expect(each).toEqual(found[0]);
});

test("an image that breaks off, found in the middle of a run, ends it and is named", async () => {
  await drawClasses(join(here.project, "cut"), 8, 4);
  for (let c = 0; c < 8; c++) {
    // Whole enough for its header to be read.
    const file = join(here.project, "cut", `class${c}`, "2.png");
    truncateSync(file, statSync(file).size - 40);
  }
  for (const threads of ["0", "2"]) {
    const ended = await run("cut", { env: { DMLC_DATA_THREADS: threads, DMLC_IMAGE_MEMORY: "0" } });
    refuses(ended, /cannot decode class\d\/2\.png/);
  }
});

test("an image that cannot be decoded is skipped, counted and named", async () => {
  expect((await run("photos")).code).toBe(0);
  const { data } = results();
  writeFileSync(join(here.project, "photos", "class1", "1.png"), "no image");
  const ended = await run("photos");
  expect(ended.code).toBe(0);
  expect(ended.stderr).toContain("1 of 32 images could not be decoded");
  expect(ended.stderr).toContain("class1/1.png");
  expect(results().data.train_samples + results().data.test_samples).toBe(
    data.train_samples + data.test_samples - 1,
  );
});

test("or, under `strict`, an error that names it", async () => {
  refuses(await run("photos", { strict: true }), "class1/1.png", "strict");
});

test("a folder that is not there, one class, and too few classes are errors with a remedy", async () => {
  refuses(await run("fotos"), '"fotos" does not exist');
  await drawClasses(join(here.project, "single"), 1, 4);
  refuses(await run("single"), /one class only: class0/);
  refuses(await run("photos", { classes: 6 }), /a batch of 6 classes/);
});

test("data outside the project are refused, however they are reached, unless allowed", async () => {
  refuses(await run("../outside"), "leads out of the project", "--allow-outside");
  refuses(await run(join(here.project, "photos")), "is absolute");
  symlinkSync(join(here.project, "..", "outside"), join(here.project, "linked"));
  refuses(await run("linked"), "leads out of the project");
  mkdirSync(join(here.project, "mixed"));
  await drawClasses(join(here.project, "mixed"), 7, 4);
  symlinkSync(join(here.project, "..", "outside", "class7"), join(here.project, "mixed", "class7"));
  refuses(await run("mixed"), 'mixed/class7" is a symbolic link that leads out of the project');
  for (const path of ["../outside", "linked", "mixed"])
    expect((await run(path, { flags: ["--allow-outside"] })).code).toBe(0);
});
