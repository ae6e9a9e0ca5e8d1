/** `dmlc backend` in a process of its own: ended by SIGINT, and with the real engine where one is installed. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { locateTensorflow } from "../../src/runtime/engine/tensorflow/locate.ts";
import { machine } from "../backend/machine.ts";
import type { Machine } from "../backend/machine.ts";
import { install } from "./installed.ts";
import type { Installed } from "./installed.ts";

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const { backend } = locateTensorflow();
let tools: Machine;
let here: Installed;

beforeAll(() => {
  tools = machine();
  const { environment } = tools.options({ FAKE_NPM: "hang" });
  vi.stubEnv("PATH", environment["PATH"]);
  vi.stubEnv("FAKE_NPM", environment["FAKE_NPM"]);
  vi.stubEnv("DMLC_BACKEND_DIR", backend?.directory ?? "");
  here = install();
});
afterAll(() => {
  vi.unstubAllEnvs();
  here?.remove();
  tools.clean();
});

test.skipIf(process.platform !== "linux")(
  "Ctrl-C ends an installation, and nothing of it stays",
  async () => {
    const args = ["backend", "install", "tensorflow"];
    const { code, stdout, stderr } = await here.dmlc(args, { interruptAt: /^fetches / });
    expect(stderr).toContain("error: interrupted");
    expect(stdout).toBe("");
    expect(code).toBe(130);
    expect(readdirSync(join(here.project, "..", "cache", "backends"))).toEqual([]);
  },
);

describe.skipIf(backend === undefined)("with an installed engine", () => {
  const installed = () => ({ env: { DMLC_BACKEND_DIR: backend!.directory } });

  test("check computes with it and names its device; TensorFlow logs nothing", async () => {
    const { code, stdout, stderr } = await here.dmlc(["backend", "check", "--format", "json"], installed());
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, directory: backend!.directory, problems: [] });
    expect(code).toBe(0);
  });

  test("list and info name it", async () => {
    expect((await here.dmlc(["backend", "list"], installed())).stdout).toMatch(
      /^tensorflow +yes +tensorflow \d/m,
    );
    expect((await here.dmlc(["info"], installed())).stdout).toMatch(/^tensorflow .*; device: (CPU|GPU)/m);
  });
});
