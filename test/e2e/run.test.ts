/** From a spec to results through the built command line, as a user runs it. */
import { mkdirSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { resultsSchema } from "../../src/runtime/report/results.ts";
import { drawClasses, install, type Installed } from "./installed.ts";

/** A spec that trains in a second; `lines` go into the model. */
const spec = (
  settings: { train?: string; losses?: string; combine?: string; rest?: string } = {},
): string => `
dataset photos = folder("photos") { image: gray(12x12), split: zero_shot(train: 0.5, validation: 0.2) }
model tiny {
  data: photos
  backbone: conv(4) |> batch_norm |> relu |> max_pool
  embedding: linear(8) |> normalize
  losses { ${settings.losses ?? "pull: contrastive(margin: 0.5)\n rank: triplet(margin: 0.2)"} }
  combine: ${settings.combine ?? "learned(pull, rank)"}
  train { batch: 4 classes * 3 samples  seed: 3  ${settings.train ?? "steps: 6"} }
  ${settings.rest ?? "compress: distances(to: 4)"}
}
`;

// Each test starts several processes, on machines that may be busy.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let here: Installed;
beforeAll(async () => {
  here = install();
  await drawClasses(join(here.project, "photos"), 10, 6);
  here.write("tiny.dml", spec());
  mkdirSync(join(here.project, "..", "elsewhere"));
});
afterAll(() => here?.remove());

const results = (folder: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(folder, "results.json"), "utf8")) as Record<string, unknown>;
const untimed = (folder: string): Record<string, unknown> => ({ ...results(folder), timing: undefined });

describe("dmlc run", () => {
  test("writes everything into one folder, the results also to stdout, and nothing else there", async () => {
    const out = join(here.project, "..", "elsewhere", "run");
    const run = await here.dmlc(["run", "tiny.dml", "--out", out, "--format", "json"]);
    expect({ ...run, stdout: "" }).toMatchObject({ code: 0 });
    expect(JSON.parse(run.stdout)).toEqual(results(out));
    const files = ["log.jsonl", "results.json", "tiny.js", "tiny.ts", "weights.safetensors"];
    expect(readdirSync(out).sort()).toEqual(files);
    expect(run.stderr).toMatch(/step 6\/6/);
    expect(run.stderr).toContain("pull");
  });

  test("writes results of the documented form, and nothing else", () => {
    const measured = results(join(here.project, "..", "elsewhere", "run"));
    expect(resultsSchema.parse(measured)).toEqual(measured);
    const keys = "model spec_hash engine seed steps data test compression weights head_weights timing".split(
      " ",
    );
    expect(Object.keys(measured)).toEqual(keys);
    expect(Object.keys(measured["test"] as object)).toEqual(
      "pixels untrained heads ensemble compressed".split(" "),
    );
    expect(Object.keys(measured["data"] as object)).toEqual(
      "train_classes validation_classes test_classes train_samples test_samples".split(" "),
    );
    const metrics = ["recall_at_1", "recall_at_2", "recall_at_4", "recall_at_8"];
    expect(Object.keys((measured["test"] as { ensemble: object }).ensemble)).toEqual([
      ...metrics,
      "map_at_r",
      "r_precision",
      "nmi",
      "knn_accuracy",
    ]);
    expect(measured).toMatchObject({
      model: "tiny",
      engine: "wasm",
      seed: 3,
      steps: 6,
      data: { train_classes: 5, validation_classes: 2, test_classes: 3, train_samples: 30, test_samples: 18 },
      weights: { pull: expect.any(Number), rank: expect.any(Number) },
    });
  });

  test("gives the same results and weights again, and others with another seed or other steps", async () => {
    const first = join(here.project, "..", "elsewhere", "run");
    const [again, seeded, longer] = ["again", "seeded", "longer"].map((name) => join(here.project, name));
    await here.dmlc(["run", "tiny.dml", "--out", again!]);
    expect(untimed(again!)).toEqual(untimed(first));
    const weights = (folder: string): Buffer => readFileSync(join(folder, "weights.safetensors"));
    expect(weights(again!).equals(weights(first))).toBe(true);

    await here.dmlc(["run", "tiny.dml", "--seed", "4", "--out", seeded!]);
    expect(results(seeded!)).toMatchObject({ seed: 4, steps: 6 });
    expect(weights(seeded!).equals(weights(first))).toBe(false);

    const run = await here.dmlc(["run", "tiny.dml", "--steps", "7", "--out", longer!]);
    expect(results(longer!)).toMatchObject({ seed: 3, steps: 7 });
    expect(run.stderr).toMatch(/step 7\/7/);
    expect(run.stdout).toMatch(
      /^ +R@1 .*\npixels .*\nuntrained .*\nhead pull .*\nhead rank .*\nensemble .*\ncompressed .*\n$/,
    );
  });

  test("goes to runs/MODEL-SEED unless told otherwise, and trains losses called like anything", async () => {
    const losses =
      "constructor: contrastive() await: triplet() __proto__: multi_similarity() toString: proxy_anchor()";
    const combine = "learned(constructor, 0.5 * await + __proto__, toString)";
    here.write("hostile.dml", spec({ losses, combine, train: "steps: 2", rest: "" }));
    const run = await here.dmlc(["run", "hostile.dml", "--format", "json"]);
    expect({ ...run, stdout: "" }).toMatchObject({ code: 0 });
    const measured = results(join(here.project, "runs", "tiny-3"));
    const names = ["constructor", "await", "__proto__", "toString"];
    expect(Object.keys(measured["weights"] as object)).toEqual(names);
    expect(Object.keys((measured["test"] as { heads: object }).heads)).toEqual(names);
  });

  test("ends with 3 when a value is not finite, names the loss and its line, and keeps the weights", async () => {
    here.write("diverging.dml", spec({ train: "optimizer: sgd(lr: 1e30)  steps: 6" }));
    const run = await here.dmlc(["run", "diverging.dml", "--out", "diverged"]);
    expect(run).toMatchObject({ code: 3, stdout: "" });
    expect(run.stderr).toMatch(/"(pull|rank)" is (NaN|infinite) at step \d/);
    expect(run.stderr).toMatch(/diverging\.dml:7: pull: contrastive|diverging\.dml:8: rank: triplet/);
    const files = readdirSync(join(here.project, "diverged"));
    expect(files).toContain("weights.safetensors");
    expect(files).not.toContain("results.json");
  });

  test("keeps the weights on SIGINT and says so", async () => {
    const run = await here.dmlc(["run", "tiny.dml", "--steps", "1000000", "--out", "interrupted"], {
      interruptAt: /step \d+\/1000000/,
    });
    expect(run).toMatchObject({ code: 130, stdout: "" });
    expect(run.stderr).toMatch(/interrupted after \d+ of 1000000 steps/);
    expect(statSync(join(here.project, "interrupted", "weights.safetensors")).size).toBeGreaterThan(1000);
  });
});

describe("an emitted program", () => {
  test("runs by itself, from any folder, with the same results as `dmlc run`", async () => {
    const compiled = await here.dmlc(["compile", "tiny.dml", "-o", "programs/tiny.ts"]);
    expect(compiled).toMatchObject({ code: 0, stdout: "" });
    const cwd = join(here.project, "..", "elsewhere");
    const program = join(here.project, "programs", "tiny.js");
    const run = await here.node([program, "--out", "own"], { cwd });
    expect({ ...run, stdout: "" }).toMatchObject({ code: 0 });
    expect(run.stdout).toMatch(/^ +R@1 .*\npixels [^]*\ncompressed .*\n$/);
    expect(untimed(join(cwd, "own"))).toEqual(untimed(join(cwd, "run")));

    const short = await here.node([program, "--steps", "2", "--seed", "9"], { cwd });
    expect(short.code).toBe(0);
    expect(results(join(cwd, "runs", "tiny-9"))).toMatchObject({ seed: 9, steps: 2 });
  });

  test("compiles to the same bytes wherever it is compiled from", async () => {
    const from = join(here.project, "programs");
    await here.dmlc(["compile", "../tiny.dml", "-o", "again.ts"], { cwd: from });
    for (const kind of ["ts", "js"])
      expect(readFileSync(join(from, `again.${kind}`), "utf8")).toBe(
        readFileSync(join(from, `tiny.${kind}`), "utf8"),
      );
  });
});

describe("a project of CommonJS modules", () => {
  test("runs specs all the same; compiling says what node will do", async () => {
    here.write("old/package.json", '{ "type": "commonjs" }');
    here.write("old/tiny.dml", spec({ train: "steps: 2" }).replace('"photos"', '"../photos"'));
    const cwd = join(here.project, "old");
    const run = await here.dmlc(["run", "tiny.dml", "--allow-outside"], { cwd });
    expect({ ...run, stdout: "" }).toMatchObject({ code: 0 });
    expect(run.stderr).not.toContain("Warning");
    const compiled = await here.dmlc(["compile", "tiny.dml"], { cwd });
    expect(compiled.stderr).toContain('as long as package.json says "type": "commonjs"');
  });
});

describe("exit codes", () => {
  test("0: nothing is wrong", async () => {
    expect(await here.dmlc(["check", "tiny.dml"])).toEqual({ code: 0, stdout: "", stderr: "no problems\n" });
  });

  test("1: the spec has an error, which is what is printed", async () => {
    here.write("wrong.dml", spec({ combine: "learned(pull, rnk)" }));
    const checked = await here.dmlc(["check", "wrong.dml", "--format", "json"]);
    expect(checked.code).toBe(1);
    expect(JSON.parse(checked.stdout)).toMatchObject([
      { severity: "error", file: "wrong.dml", line: 9, help: expect.stringContaining("rank") },
    ]);
    for (const command of ["compile", "run"]) {
      const ended = await here.dmlc([command, "wrong.dml"]);
      expect(ended).toMatchObject({ code: 1, stdout: "" });
      expect(ended.stderr).toContain("rnk");
    }
  });

  test("2: the command line is wrong", async () => {
    for (const args of [
      ["run", "missing.dml"],
      ["run", "tiny.dml", "--steps", "0"],
      ["run", "tiny.dml", "--fast"],
      ["compile", "tiny.dml", "-o", "tiny.js"],
      ["compile", "tiny.dml", "-o", "tiny.dml/x.ts"],
      ["run", "tiny.dml", "--out", "tiny.dml"],
    ]) {
      const ended = await here.dmlc(args);
      expect(ended, args.join(" ")).toMatchObject({ code: 2, stdout: "" });
      expect(ended.stderr).toMatch(/^error: /);
    }
  });
});
