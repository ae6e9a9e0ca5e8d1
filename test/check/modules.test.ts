import { describe, expect, test } from "vitest";
import { check, marks } from "./harness.ts";

const uses = (loss: string): string => `
dataset icons = icon_sets()
model m { data: icons backbone: conv4(8) embedding: linear(8) |> normalize losses { a: ${loss} } }`;

describe("imports", () => {
  test("a loss of another file, its names resolving where it was declared", () => {
    const { diagnostics, models } = check({
      "main.dml": `import { mine } from "./lib/mine.dml"\ndistance gap(u, v) = norm(u + v)${uses("mine(2)")}`,
      "lib/mine.dml": `import { gap } from "../gap.dml"\nloss mine(m: real = 1) { mean[i, j | same(i, j)] m * gap(x[i], x[j]) }`,
      "gap.dml": "distance gap(u, v) = norm(u - v)",
    });
    expect(marks(diagnostics)).toEqual([]);
    const [loss] = models[0]!.losses;
    const { scope } = loss!.instance;
    expect(scope.lookup("measure", "gap")!.declaration.span.file.path).toBe("gap.dml");
  });

  test("errors of an imported file are reported there", () => {
    const { diagnostics, models } = check({
      "main.dml": `import { mine } from "./mine.dml"${uses("mine")}`,
      "mine.dml": "loss mine() { mean[i] nrm(x[i]) }",
    });
    expect(marks(diagnostics)).toEqual(["DML0201 nrm"]);
    expect(diagnostics[0]!.span.file.path).toBe("mine.dml");
    expect(models).toEqual([]);
  });

  test.each<[string, Record<string, string>, string[]]>([
    ["a file that is not there", { "main.dml": 'import { a } from "./a.dml"' }, ['DML0205 "./a.dml"']],
    [
      "a path that leaves the project",
      { "main.dml": 'import { a } from "../a.dml"' },
      ['DML0206 "../a.dml"'],
    ],
    ["another kind of file", { "main.dml": 'import { a } from "./a.json"' }, ['DML0206 "./a.json"']],
    [
      "a name that is not there",
      {
        "main.dml": 'import { mines } from "./a.dml"\nloss l() { mean[i] mines(x[i], x[i]) }',
        "a.dml": "distance mine(u, v) = norm(u - v)",
      },
      ["DML0207 mines"],
    ],
    [
      "a name that the other file only imports",
      {
        "main.dml": 'import { b } from "./a.dml"',
        "a.dml": 'import { b } from "./b.dml"',
        "b.dml": "distance b(u, v) = norm(u - v)",
      },
      ["DML0207 b"],
    ],
    [
      "a circle",
      {
        "main.dml": 'import { a } from "./a.dml"',
        "a.dml": 'import { b } from "./b.dml"\ndistance a(u, v) = norm(u - v)',
        "b.dml": 'import { a } from "./a.dml"\ndistance b(u, v) = norm(u - v)',
      },
      ['DML0204 "./a.dml"'],
    ],
    [
      "itself",
      { "main.dml": 'import { a } from "./main.dml"\ndistance a(u, v) = norm(u - v)' },
      ['DML0204 "./main.dml"'],
    ],
    [
      "a name that the file declares as well",
      {
        "main.dml": 'import { a } from "./a.dml"\ndistance a(u, v) = norm(u - v)',
        "a.dml": "distance a(u, v) = norm(u - v)",
      },
      ["DML0203 a"],
    ],
    [
      "one file through two others",
      {
        "main.dml": 'import { a } from "./a.dml"\nimport { b } from "./b.dml"',
        "a.dml": 'import { c } from "./c.dml"\ndistance a(u, v) = c(u, v)',
        "b.dml": 'import { c } from "./c.dml"\ndistance b(u, v) = c(u, v)',
        "c.dml": "distance c(u, v) = norm(u - v)",
      },
      [],
    ],
  ])("%s", (_, files, expected) => {
    expect(marks(check(files).diagnostics)).toEqual(expected);
  });
});

describe("the standard library in scope", () => {
  test("a file's declaration hides the library's of that kind and name, for that file only", () => {
    const { models, diagnostics } = check(`
distance euclidean(u, v) = 2 * norm(u - v)
loss mine(d: distance = euclidean) { mean[i, j | same(i, j)] d(x[i], x[j]) }${uses("mine")
      .replace("a: mine", "a: mine b: triplet")
      .replace("} }", "} combine: a + b }")}`);
    expect(marks(diagnostics)).toEqual([]);
    const files = models[0]!.losses.map(({ instance }) => {
      const distance = [...instance.parameters.values()].find((value) => value.kind === "measure");
      return distance?.kind === "measure" ? distance.declaration.span.file.path : undefined;
    });
    expect(files).toEqual(["main.dml", "stdlib/distances/euclidean.dml"]);
  });
});
