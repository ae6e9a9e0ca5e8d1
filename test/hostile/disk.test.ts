/** Specs on a disk: imports and data that would leave the project, links, folders and devices in place of files. */
import { mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import * as data from "../../src/runtime/data/folder.ts";
import { dmlc, folder } from "../cli/support.ts";
import { dataError } from "../data/fixtures.ts";

const outside = folder();
const files = folder();
afterAll(() => {
  outside.clean();
  files.clean();
});

const secret = outside.write("secret.dml", "loss stolen() { mean[i] norm(x[i]) }\n");
files.write("package.json", "{}");
files.write("specs/inside.dml", "loss inside() { mean[i] norm(x[i]) }\n");
files.write("text.txt", "loss inside() { mean[i] norm(x[i]) }\n");
symlinkSync(secret, join(files.path, "specs", "linked.dml"));
symlinkSync(dirname(secret), join(files.path, "specs", "folder"));
symlinkSync(join(files.path, "specs", "loop.dml"), join(files.path, "specs", "loop.dml"));
mkdirSync(join(files.path, "specs", "directory.dml"));

async function importOf(from: string): Promise<string[]> {
  const spec = files.write(
    "specs/main.dml",
    `import { stolen } from "${from}"\nloss own() { stolen(x: x) }\n`,
  );
  const { code, out } = await dmlc("check", spec, "--format", "json");
  expect(code).toBe(1);
  expect(out).not.toContain("bug in dmlc");
  return (JSON.parse(out) as { code: string }[]).map((each) => each.code);
}

describe("an import", () => {
  it.each([
    ["above the project", `../../${outside.path.split("/").at(-1)}/secret.dml`, "DML0206"],
    ["of an absolute path", secret, "DML0206"],
    ["of a link out of the project", "./linked.dml", "DML0206"],
    ["through a link out of the project", "./folder/secret.dml", "DML0206"],
    ["of a device", "/dev/zero", "DML0206"],
    ["of a device by a relative path", "../../../../../../../../dev/zero", "DML0206"],
    ["of another kind of file", "../text.txt", "DML0206"],
    ["of /etc/passwd", "/etc/passwd", "DML0206"],
    ["of a web address", "https://example.org/a.dml", "DML0205"],
    ["of a link to itself", "./loop.dml", "DML0205"],
    ["of a folder", "./directory.dml", "DML0205"],
    ["of nothing", "", "DML0206"],
    ["with a null character", "./a\\u0000.dml", "DML0205"],
    ["with line breaks and hidden characters", "./a\\n\\u202e.dml", "DML0205"],
    ["of a very long name", `./${"a".repeat(5000)}.dml`, "DML0205"],
  ])("%s is refused", async (_, from, code) => {
    expect(await importOf(from)).toContain(code);
  });

  it("inside the project works", async () => {
    const spec = files.write("specs/good.dml", `import { inside } from "../specs/inside.dml"\n`);
    expect(await dmlc("check", spec)).toMatchObject({ code: 0 });
  });
});

describe("a data path", () => {
  const context = {
    specDirectory: join(files.path, "specs"),
    projectRoot: files.path,
    allowOutside: false,
    cacheDirectory: join(files.path, "cache"),
    progress: () => {},
  };
  const windows = ["C:\\", "C:\\Windows", "\\\\server\\share", "..\\..", "NUL", "COM1"];
  const paths = [
    "/etc",
    "/etc/passwd",
    "/",
    "..",
    "../..",
    "../../..",
    "folder",
    "~",
    "\0",
    "a\0b",
    "",
    ".",
    "\ud800",
  ];

  it.each([...paths, ...windows, "a".repeat(5000), "./directory.dml/../../../.."])(
    "%j is refused or holds nothing",
    async (path) => {
      const written = JSON.stringify(path);
      const text = `dataset d = folder(${written}) { image: gray(16x16) }\n`;
      expect(await dmlc("check", files.write("specs/data.dml", text))).toMatchObject({ code: 0 });
      const { message } = await dataError(() => data.folder(path, { image: [16, 16, 1] }).load(context));
      expect(message).toMatch(
        /absolute|leads out|does not exist|cannot read|no images|two classes|not a folder/,
      );
      if (["/etc", "/", "../..", "folder"].includes(path)) expect(message).toMatch(/absolute|leads out/);
    },
  );
});

describe("a spec", () => {
  it.each(["/dev/null", "directory.dml", "nothing.dml", "loop.dml", "a\0.dml"])(
    "at %j is answered",
    async (name) => {
      const path = name.startsWith("/") ? name : join(files.path, "specs", name);
      const { code, err } = await dmlc("check", path);
      expect({ code, bug: err.includes("bug in dmlc") }).toEqual({
        code: name === "/dev/null" ? 0 : 2,
        bug: false,
      });
    },
  );

  it("of bytes that are no text is answered", async () => {
    const bytes = Uint8Array.from({ length: 5000 }, (_, at) => (at * 89) % 256);
    const { code, err } = await dmlc("check", files.write("bytes.dml", bytes));
    expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/^\d+ errors/) as string });
    expect((await dmlc("check", files.write("utf16.dml", Buffer.from("\ufeffloss", "utf16le")))).code).toBe(
      1,
    );
  });
});
