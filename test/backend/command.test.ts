/** `dmlc backend` as a user types it, on a cache of its own. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { engineRows } from "../../src/cli/backend/engines.ts";
import { dmlc, folder } from "../cli/support.ts";

let files: ReturnType<typeof folder>;

beforeEach(() => {
  files = folder();
  vi.stubEnv("DMLC_CACHE", files.path);
  vi.stubEnv("DMLC_BACKEND_DIR", "");
});
afterEach(() => {
  vi.unstubAllEnvs();
  files.clean();
});

test("list says what is there and how to get the rest", async () => {
  const { code, out } = await dmlc("backend", "list");
  expect(code).toBe(0);
  expect(out).toMatch(/^tensorflow +no +not installed; dmlc backend install tensorflow$/m);
  expect(out).toMatch(/^wasm +yes +tfjs \d/m);
});

test("list as JSON", async () => {
  const rows = JSON.parse((await dmlc("backend", "list", "--format", "json")).out) as unknown;
  expect(rows).toEqual(engineRows());
  expect(rows).toContainEqual(
    expect.objectContaining({ engine: "tensorflow", available: false, reason: "not installed" }),
  );
});

test("check exits with 3 and says how to install", async () => {
  const { code, err } = await dmlc("backend", "check");
  expect(code).toBe(3);
  expect(err).toContain("the tensorflow engine is not there: not installed");
  expect(err).toContain("dmlc backend install tensorflow");
  const json = await dmlc("backend", "check", "--format", "json");
  expect(json.code).toBe(3);
  expect(JSON.parse(json.out)).toMatchObject({ ok: false, problems: ["not installed"] });
});

test("check of an engine by its name", async () => {
  const { code, err } = await dmlc("backend", "check", "webgpu");
  expect(code).toBe(3);
  expect(err).toContain("the webgpu engine is not there: not installed");
  expect(err).toContain("dmlc backend install webgpu");
  const json = await dmlc("backend", "check", "webgpu", "--format", "json");
  expect(json.code).toBe(3);
  expect(JSON.parse(json.out)).toMatchObject({ engine: "webgpu", ok: false });
});

test("a damaged engine is named with its folder", async () => {
  vi.stubEnv("DMLC_BACKEND_DIR", files.path);
  files.write("backend.json", "{");
  const { code, err } = await dmlc("backend", "check");
  expect(code).toBe(3);
  expect(err).toContain(`DMLC_BACKEND_DIR is ${files.path}: `);
  expect(err).toContain("backend.json is damaged");
  expect((await dmlc("backend", "list")).out).toContain("is damaged");
});

test("remove deletes what is in the cache, and says so where there is nothing", async () => {
  files.write("backends/tensorflow-1.0.0/backend.json", "{}");
  expect((await dmlc("backend", "remove", "tensorflow")).out).toMatch(/^tensorflow: removed .*backends$/m);
  expect(await dmlc("backend", "remove")).toMatchObject({
    code: 0,
    out: "tensorflow: nothing to remove\nwebgpu: nothing to remove\n",
  });
});

test.each([
  [["install"], "missing required argument"],
  [["install", "wasm"], "Allowed choices are tensorflow, webgpu"],
  [["install", "webgpu", "--cuda"], "--cuda and --wheel are for the tensorflow engine"],
  [["list", "--format", "xml"], "Allowed choices are text, json"],
  [["instal"], "unknown command"],
])("%j is a mistake in the command line", async (args, said) => {
  const { code, err } = await dmlc("backend", ...args);
  expect(code).toBe(2);
  expect(err).toContain(said);
});
