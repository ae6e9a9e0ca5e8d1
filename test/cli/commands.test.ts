/** The command line itself, `check` and `info`: exit codes and what goes to which stream. */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { ownPackage } from "../../src/cli/package.ts";
import { dmlc, folder } from "./support.ts";

const files = folder();
afterAll(() => files.clean());

const good = files.write(
  "good.dml",
  `loss pull(margin: real > 0 = 1) {
  mean[i, j | same(i, j)] relu(euclidean(x[i], x[j]) - margin)
}
`,
);
const bad = files.write("bad.dml", "dataset icons = icon_sets(siz: 32)\nmodel m { data: icns }\n");

describe("dmlc", () => {
  it("prints its version and its help on stdout", async () => {
    expect(await dmlc("--version")).toEqual({ code: 0, out: `${ownPackage().json.version}\n`, err: "" });
    const help = await dmlc("--help");
    expect(help).toMatchObject({ code: 0, err: "" });
    for (const command of ["check", "try", "info"]) expect(help.out).toContain(`  ${command} `);
    expect((await dmlc("help", "try")).out).toContain("--embeddings");
  });

  it("answers wrong usage with 2, on stderr, with the nearest spelling", async () => {
    for (const [args, message] of [
      [["chek"], "Did you mean check?"],
      [["check"], "missing required argument"],
      [["check", good, "--formt", "json"], "Did you mean --format?"],
      [["check", good, "--format", "xml"], "Allowed choices are pretty, json"],
      [["info", "more"], "too many arguments"],
    ] as const) {
      const outcome = await dmlc(...args);
      expect(outcome).toMatchObject({ code: 2, out: "" });
      expect(outcome.err).toContain(message);
    }
    expect((await dmlc()).code).toBe(2);
  });

  it("says how to build it where it is not built", () => {
    const script = fileURLToPath(new URL("../../bin/dmlc.js", import.meta.url));
    mkdirSync(join(files.path, "bin"));
    const copy = join(files.path, "bin", "dmlc.mjs");
    copyFileSync(script, copy);
    const outcome = spawnSync(process.execPath, [copy, "info"], { encoding: "utf8" });
    expect(outcome.status).toBe(2);
    expect(outcome.stderr).toContain("npm run build");
    expect(() => execFileSync(process.execPath, ["--check", copy])).not.toThrow();
  });
});

describe("dmlc info", () => {
  it("names versions, platform and cache", async () => {
    const { code, out } = await dmlc("info");
    expect(code).toBe(0);
    for (const part of [ownPackage().json.version, process.versions.node, process.arch, "dmlc"])
      expect(out).toContain(part);
  });
});

describe("dmlc check", () => {
  it("is silent on stdout about a sound file", async () => {
    expect(await dmlc("check", good)).toEqual({ code: 0, out: "", err: "no problems\n" });
    expect(await dmlc("check", good, "--format", "json")).toEqual({ code: 0, out: "[]\n", err: "" });
  });

  it("reports every problem, in order, and exits with 1", async () => {
    const { code, out, err } = await dmlc("check", good, bad);
    expect(code).toBe(1);
    expect(err).toMatch(/^\d+ errors/);
    expect(out).toContain("bad.dml:1:27");
    expect(out.indexOf("`siz`")).toBeLessThan(out.indexOf("icns"));
    expect(out).toContain("help: Did you mean `size`?");
  });

  it("prints the same for programs, each once", async () => {
    const { code, out, err } = await dmlc("check", bad, bad, "--format", "json");
    expect({ code, err }).toEqual({ code: 1, err: "" });
    const found = JSON.parse(out) as Record<string, unknown>[];
    expect(found[0]).toMatchObject({ severity: "error", file: bad, line: 1, column: 27, endColumn: 30 });
    for (const each of found)
      expect(Object.keys(each).filter((key) => key !== "help")).toEqual([
        "code",
        "severity",
        "message",
        "file",
        "line",
        "column",
        "endLine",
        "endColumn",
      ]);
    expect(new Set(found.map((each) => JSON.stringify(each))).size).toBe(found.length);
  });

  it("says which file cannot be read, and checks the others", async () => {
    const { code, out, err } = await dmlc("check", join(files.path, "none.dml"), bad);
    expect(code).toBe(2);
    expect(err).toContain("cannot read");
    expect(out).toContain("siz");
  });

  it("refuses imports that leave the project, also through a link", async () => {
    files.write("project/package.json", "{}");
    const spec = files.write("project/in/spec.dml", 'import { pull } from "../../good.dml"\n');
    expect((await dmlc("check", spec)).out).toContain("leaves the project");
    symlinkSync(files.path, join(files.path, "project", "in", "link"));
    const linked = files.write("project/in/linked.dml", 'import { pull } from "./link/good.dml"\n');
    expect((await dmlc("check", linked)).out).toContain("leaves the project");
    const inside = files.write("project/in/other.dml", 'import { pull } from "../pull.dml"\n');
    copyFileSync(good, join(files.path, "project", "pull.dml"));
    expect((await dmlc("check", inside)).code).toBe(0);
  });
});
